/** The folder of this file: what the CommonJS build has in place of `here.ts`. */
export const here: string = __dirname
