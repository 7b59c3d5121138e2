import { afterEach, expect, test } from 'vitest'
import { Box, decodeWords, race, room } from 'pagebox'

const poisoned: [object, PropertyKey][] = []
function poison(prototype: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(prototype, key, { value, configurable: true, writable: true })
  poisoned.push([prototype, key])
}
afterEach(() => {
  for (const [prototype, key] of poisoned.splice(0)) Reflect.deleteProperty(prototype, key)
})

test('options that someone put on Object.prototype are none', async () => {
  poison(Object.prototype, 'order', 'nine')
  poison(Object.prototype, 'threads', -1)
  poison(Object.prototype, 'status', 22)
  poison(Object.prototype, 'layout', 'no such layout')
  const box = Box.create({ pages: 64 })
  box.setup(0, { type: 'anon' })
  box.pins.pin(0)
  box.pins.unpin(0)
  const result = await race(box, { ops: 100 })
  expect(result.threads).toHaveLength(1)
  expect(room({ scheme: 'refcount', layout: 'linux-6.12', pageType: 'anon' }).cell).toBe('fits')
  expect(decodeWords(box.page(0).words).layout).toBe('linux-6.12')
  box.audit().assertClean()
  box.close()
})

test('setters on Object.prototype see nothing of results', () => {
  const seen: string[] = []
  for (const key of ['pins', 'exact', 'rows', 'clean'])
    Object.defineProperty(Object.prototype, key, {
      configurable: true,
      get: () => undefined,
      set: () => seen.push(key),
    })
  try {
    const box = Box.create({ pages: 16 })
    box.pins.pin(1)
    expect(box.pins.pins(1).pins).toBe(1)
    box.pins.unpin(1)
    box.audit().assertClean()
    box.close()
    expect(seen).toEqual([])
  } finally {
    for (const key of ['pins', 'exact', 'rows', 'clean']) Reflect.deleteProperty(Object.prototype, key)
  }
})
