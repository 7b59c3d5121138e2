// Control characters, and those that do not show but turn or join what stands around them: a terminal
// obeys the first, and a reader is led astray by the others.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

const escaped = (character: string): string => {
  const code = character.codePointAt(0) as number
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** Text that comes from a file, a name or an error of somebody else, fit for a terminal: one line, no commands. */
export const foreign = (text: string): string => text.replace(unprintable, escaped)

/** The same of text with lines of its own. */
export const foreignLines = (text: string): string => text.split('\n').map(foreign).join('\n')
