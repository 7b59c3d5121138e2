// Control characters of C0 and C1, and those that turn the direction of a line: none of them prints,
// and a terminal obeys them.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

const escaped = (character: string): string => {
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/** Text that comes from a file, a name or an error of somebody else, fit for a terminal: one line, no commands. */
export const foreign = (text: string): string => text.replace(unprintable, escaped)

/** The same of text with lines of its own. */
export const foreignLines = (text: string): string => text.split('\n').map(foreign).join('\n')
