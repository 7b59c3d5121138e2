import { describe, expect, test } from 'vitest'
import { Box, decodeWords, layouts, type PageboxError, pageTypes, schemes } from 'pagebox'

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as PageboxError).code
  }
}

describe('words that a box wrote', () => {
  test.each(layouts.names)('%s: the type is guessed as the box knows it', (layout) => {
    const box = Box.create({ pages: 64, layout, scheme: 'refcount', populate: 'none' })
    for (const type of pageTypes) {
      if (!layouts.get(layout).types.includes(type) || ['tail', 'second-tail', 'free'].includes(type)) continue
      box.setup(32, { type, order: type === 'compound-head' ? 2 : 0, mapcount: 0, onLru: false })
      const { words, type: known } = box.page(32)
      const decoded = decodeWords(words, { layout })
      // One pgmap is like another: which kind of device it is stands in the pagemap.
      if (type.includes('device') || ['fsdax', 'devdax', 'p2pdma'].includes(type))
        expect(decoded.typeReason).toContain('pgmap')
      else expect(decoded.type).toBe(known)
      expect(decoded.warnings).toEqual([])
      box.reset()
    }
    box.close()
  })

  test('a tail says whose', () => {
    const box = Box.create({ pages: 64, populate: 'none' })
    box.setup(32, { type: 'compound-head', order: 3 })
    const decoded = decodeWords(box.page(35).words)
    expect(decoded.type).toBe('tail')
    expect(decoded.fields.find(({ name }) => name === 'compound_head')?.text).toBe('page 32')
    box.close()
  })

  test.each(['lru-overlay', 'packed-64', 'packed-32', 'flag-and-word', 'refcount-bias', 'own-counter'])(
    '%s: the pins that the words hold',
    (scheme) => {
      const box = Box.create({ pages: 64, scheme })
      box.setup(3, { type: 'anon' })
      expect(box.page(3).decode().pins?.pins).toBe(0n)
      box.pins.pin(3, 5)
      expect(box.page(3).decode().pins).toEqual({ pins: 5n, exact: schemes.get(scheme).exact })
      box.pins.unpin(3, 5)
      expect(box.page(3).decode().pins?.pins).toBe(0n)
      box.close()
    },
  )
})

describe('words from elsewhere', () => {
  const words = () => [0n, 0n, 0n, 0n, 0n, 0n, 0x0000_0001_ffff_ffffn, 0n]

  test('a pointer that no kernel would write is a warning', () => {
    const broken = words()
    broken[0] = 1n << BigInt(layouts.get('linux-6.12').flags.find(({ name }) => name === 'lru')!.bit)
    broken[1] = 0xffffea0000000009n & ~1n
    broken[2] = 0x1234n
    broken[3] = 0xffff_0000_0000_0001n
    const { warnings, type } = decodeWords(broken)
    expect(type).toBe('anon')
    expect(warnings.join()).toContain('mapping')
    expect(warnings.join()).toContain('lru.prev')
  })

  test('a negative reference count is a warning', () => {
    const broken = words()
    broken[6] = 0x8000_0000_ffff_ffffn
    expect(decodeWords(broken).warnings.join()).toContain('_refcount')
  })

  test('the words behind the counts may be left out, others not', () => {
    expect(decodeWords(words().slice(0, 7)).refcount).toBe(1)
    expect(codeOf(() => decodeWords(words().slice(0, 6)))).toBe('ERR_PAGEBOX_ARG_RANGE')
    expect(codeOf(() => decodeWords([...words(), 0n]))).toBe('ERR_PAGEBOX_ARG_RANGE')
    expect(decodeWords([...words(), 0n, 0n], { layout: 'linux-4.20-counter' }).refcount).toBe(1)
  })

  test('a word is as wide as the layout says', () => {
    expect(codeOf(() => decodeWords([1n << 64n, ...words().slice(1)]))).toBe('ERR_PAGEBOX_ARG_RANGE')
    expect(codeOf(() => decodeWords(Array(9).fill(1n << 32n), { layout: 'linux-4.20-32' }))).toBe(
      'ERR_PAGEBOX_ARG_RANGE',
    )
  })

  test('given as one array of the engine', () => {
    expect(decodeWords(BigUint64Array.from(words())).refcount).toBe(1)
  })
})
