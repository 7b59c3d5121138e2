import { visible } from '../../base/unprintable.ts'

/** Text that comes from a file, a name or an error of somebody else, fit for a terminal: one line, no commands. */
export const foreign = (text: string): string => visible(text)

/** The same of text with lines of its own. */
export const foreignLines = (text: string): string => text.split('\n').map(foreign).join('\n')
