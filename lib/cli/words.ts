import { UsageError } from './failure.ts'

/**
 * The words of a descriptor out of what people paste: `0x` or not, spaces,
 * commas, the `raw:` of dump_page, the `address:` of crash and gdb.
 */
export function parseWords(
  text: string,
  { fewest, most, wordBytes }: { fewest: number; most: number; wordBytes: number },
): bigint[] {
  const words = text
    .split(/[\s,]+/)
    .filter((token) => token !== '' && !token.endsWith(':'))
    .map((token) => {
      if (!/^(0x)?[\da-f]+$/i.test(token))
        throw new UsageError(
          `${JSON.stringify(token)} is no hexadecimal word; a log is read by --file, or from standard input`,
        )
      const word = BigInt(`0x${token.replace(/^0x/i, '')}`)
      if (word >> BigInt(wordBytes * 8) !== 0n) {
        throw new UsageError(`${token} is wider than the ${wordBytes} bytes of a word in this layout`)
      }
      return word
    })
  if (words.length < fewest || words.length > most) {
    const range = fewest === most ? `${most}` : `${fewest} to ${most}`
    throw new UsageError(
      `a descriptor of this layout has ${range} words of ${wordBytes} bytes, and ${words.length} were given`,
    )
  }
  return words
}
