import { describe, expect, test } from 'vitest'
import { Box, decodeWords, type LayoutDefinition, layouts, type PageboxError, room } from 'pagebox'

/** A page of the memdesc kind: flags, one pointer, counts. */
const small = (name: string): LayoutDefinition => ({
  name,
  summary: 'half of what it was',
  strideBytes: 64,
  flags: ['locked', 'lru', 'head', 'active', 'unevictable', 'swapbacked', 'uptodate'].map((name, bit) => ({
    name,
    bit,
  })),
  fields: [
    { name: 'flags', offsetBytes: 0, bits: 64, kind: 'flags', types: ['free', 'anon', 'file'] },
    { name: 'lru.next', offsetBytes: 8, bits: 64, kind: 'list-next', types: ['free', 'anon', 'file'] },
    { name: 'lru.prev', offsetBytes: 16, bits: 64, kind: 'list-prev', types: ['free', 'anon', 'file'] },
    { name: 'mapping', offsetBytes: 24, bits: 64, kind: 'mapping', types: ['anon', 'file'] },
    { name: 'index', offsetBytes: 32, bits: 64, kind: 'count', types: ['anon', 'file'] },
    { name: 'order', offsetBytes: 40, bits: 64, kind: 'count', types: ['free'] },
    { name: '_mapcount', offsetBytes: 48, bits: 32, kind: 'mapcount', types: ['anon', 'file'] },
    { name: '_refcount', offsetBytes: 52, bits: 32, kind: 'refcount', types: ['free', 'anon', 'file'] },
  ],
  mapcountOffsetBytes: 48,
  refcountOffsetBytes: 52,
})

function failure(call: () => unknown): PageboxError {
  try {
    call()
  } catch (error) {
    return error as PageboxError
  }
  throw new Error('nothing was thrown')
}

describe('a layout of ones own', () => {
  test('runs like a built-in one', () => {
    const layout = layouts.define(small('own-small'))
    expect(layout.builtin).toBe(false)
    expect(layouts.get('own-small')).toBe(layout)
    const box = Box.create({ pages: 64, layout, scheme: 'packed-64' })
    box.pins.pin(3)
    expect(box.pins.pins(3)).toEqual({ pins: 1, exact: true })
    expect(box.page(3).fields).toHaveProperty('mapping')
    expect(decodeWords(box.page(3).words, { layout: 'own-small' }).type).toBe('anon')
    box.pins.unpin(3)
    box.audit().assertClean()
    box.close()
    expect(room({ scheme: 'refcount', layout, pageType: 'anon' }).cell).toBe('fits')
    expect(room({ scheme: 'refcount', layout, pageType: 'slab' }).cell).toBe('impossible')
  })

  test('whose fields overlap is refused, with both names', () => {
    const wrong = small('own-overlap')
    const fields = [...wrong.fields, { ...wrong.fields[3]!, name: 'other', shift: 32, bits: 32 }]
    const error = failure(() => layouts.define({ ...wrong, fields }))
    expect(error.code).toBe('ERR_PAGEBOX_LAYOUT_INVALID')
    expect(error.message).toContain('other')
    expect(error.message).toContain('mapping')
    expect(layouts.has('own-overlap')).toBe(false)
  })

  test('whose fields lie outside, or whose counts are not aligned, is refused', () => {
    const wrong = small('own-outside')
    const outside = [...wrong.fields, { ...wrong.fields[4]!, name: 'far', offsetBytes: 64 }]
    expect(failure(() => layouts.define({ ...wrong, fields: outside })).code).toBe('ERR_PAGEBOX_LAYOUT_INVALID')
    expect(failure(() => layouts.define({ ...wrong, refcountOffsetBytes: 53 })).code).toBe('ERR_PAGEBOX_LAYOUT_INVALID')
    expect(failure(() => layouts.define({ ...wrong, wordBytes: 5 as never })).code).toMatch(/^ERR_PAGEBOX_/)
  })

  test('cannot take a name that is taken', () => {
    expect(failure(() => layouts.define(small('linux-6.12')))).toMatchObject({
      code: 'ERR_PAGEBOX_ARG_RANGE',
      argument: 'definition.name',
    })
  })
})
