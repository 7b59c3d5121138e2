// Control characters, and those that do not show but turn or join what stands around them: a terminal
// obeys the first, and a reader is led astray by the others.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

const escaped = (character: string): string => {
  const code = (character.codePointAt(0) as number).toString(16)
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`
}

/** Each as its number, in one line; what is to stay is named. */
export const visible = (text: string, stays = ''): string =>
  text.replace(unprintable, (character) => (stays.includes(character) ? character : escaped(character)))
