import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../lib/cli/failure.ts'
import { parseWords } from '../../lib/cli/words.ts'

const eight = { fewest: 7, most: 8, wordBytes: 8 }

describe('parseWords', () => {
  test('reads back any words, however they are separated', () => {
    const words = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 8, maxLength: 8 })
    const separator = fc.constantFrom(' ', ', ', '\n', '\t', ' 0x')
    fc.assert(
      fc.property(words, separator, (given, between) => {
        const text = given.map((word) => word.toString(16)).join(between)
        expect(parseWords(text, eight)).toEqual(given)
      }),
    )
  })

  test('takes dump_page and crash as they are pasted', () => {
    const dump = 'raw: 0017ffffc0000000 dead000000000100 dead000000000122 0000000000000000\nraw: 1 2 ffffffff 4\n'
    expect(parseWords(dump, eight)[1]).toBe(0xdead000000000100n)
    const crash = 'ffffea0000000000:  0017ffffc0000000 0\nffffea0000000010:  1 2\nffffea0000000020:  3 4 5 6'
    expect(parseWords(crash, eight)).toEqual([0x17ffffc0000000n, 0n, 1n, 2n, 3n, 4n, 5n, 6n])
  })

  test.each([
    '1 2 3 4 5 6',
    '1 2 3 4 5 6 7 8 9',
    '1 2 3 4 5 6 7 xyz',
    '1 2 3 4 5 6 7 -8',
    '1 2 3 4 5 6 7 1ffffffffffffffff',
    '',
  ])('%j is refused', (text) => {
    expect(() => parseWords(text, eight)).toThrow(UsageError)
  })
})
