export const recorded: string = '{}'
