import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** Arguments of Node that run `pagebox` in a process of its own: compiled, or from the sources (see ../globalSetup.mjs). */
export const cliArguments: readonly string[] =
  process.env.PAGEBOX_TEST_DIST === '1'
    ? [join(root, 'dist/cli/main.js')]
    : ['--import', `file://${join(root, 'node_modules/tsx/dist/esm/index.mjs')}`, join(root, 'lib/cli/main.ts')]

/** The same as the beginning of a line for a shell. */
export const cliForShell: string = [process.execPath, ...cliArguments].map((part) => `"${part}"`).join(' ')
