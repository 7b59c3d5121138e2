import { describe, expect, test } from 'vitest'
import { Box, type PageboxError, probe, race, room, schemes } from 'pagebox'

function failure(call: () => unknown): PageboxError {
  try {
    call()
  } catch (error) {
    return error as PageboxError
  }
  throw new Error('nothing was thrown')
}

const narrow = {
  name: 'narrow',
  summary: 'a bias of 16 pins in the references',
  protocol: 'add',
  place: 'refcount',
  refsPerPin: 1 << 16,
} as const

describe('a scheme of ones own', () => {
  test('runs like a built-in one', async () => {
    const scheme = schemes.define(narrow)
    expect(scheme).toMatchObject({ builtin: false, refsPerPin: 65536, exact: false, countBits: 15 })
    expect(scheme.maxPins).toBe(32767n)
    const box = Box.create({ pages: 64, scheme })
    box.pins.pin(3, 2)
    expect(box.pins.pins(3).pins).toBe(2)
    expect(box.page(3).refcount).toBeGreaterThan(2 * 65536)
    box.pins.unpin(3, 2)
    box.close()
    const { audit } = await race({ pages: 16, scheme: 'narrow' }, { ops: 5000, threads: 2 })
    audit.assertClean()
  })

  test('with a packed count refuses the pin beyond it', () => {
    const scheme = schemes.define({
      name: 'tiny-count',
      protocol: 'packed-word',
      place: 'word',
      countWord: 2,
      countShift: 2,
      countBits: 3,
      packedBits: 32,
      pinned: { word: 2, bit: 0 },
      wasLru: { word: 2, bit: 1 },
    })
    expect(scheme.maxPins).toBe(7n)
    const box = Box.create({ pages: 16, scheme })
    box.pins.pin(1, 7)
    const before = box.page(1).words
    expect(failure(() => box.pins.pin(1))).toMatchObject({ code: 'ERR_PAGEBOX_PIN_LIMIT', errno: 'ENOMEM' })
    expect(box.page(1).words).toEqual(before)
    box.pins.unpin(1, 7)
    box.audit().assertClean()
    box.close()
    const where = { scheme, layout: 'linux-6.12', pageType: 'anon' } as const
    expect(probe(where).damaged).toEqual(room(where).collisions)
  })

  test('whose bits do not exist is refused', () => {
    const error = failure(() =>
      schemes.define({ name: 'too-wide', protocol: 'packed-word', countWord: 2, countBits: 64, packedBits: 32 }),
    )
    expect(error.code).toBe('ERR_PAGEBOX_SCHEME_INVALID')
    expect(error.message).toContain('countBits')
    expect(schemes.has('too-wide')).toBe(false)
  })

  test('whose flag lies beyond its word is refused', () => {
    const declared = (bit: number) => ({
      name: 'far-flag',
      protocol: 'flag-and-word' as const,
      place: 'word' as const,
      countWord: 2,
      pinned: { word: 3, bit },
    })
    for (const bit of [64, 127]) {
      const error = failure(() => schemes.define(declared(bit)))
      expect(error.code).toBe('ERR_PAGEBOX_ARG_RANGE')
      expect(error.message).toContain(`pinned.bit must be an integer from 0 to 63; got ${bit}`)
    }
    expect(schemes.has('far-flag')).toBe(false)
    expect(schemes.define(declared(63)).name).toBe('far-flag')
  })

  test('cannot take a name that is taken', () => {
    expect(failure(() => schemes.define({ ...narrow, name: 'refcount' })).argument).toBe('definition.name')
  })
})
