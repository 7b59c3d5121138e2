import { AssertionError } from 'node:assert'
import { PageboxError } from 'pagebox'
import { assertBox } from 'pagebox/assert'
import { describe, expect, matchers, test } from 'pagebox/vitest'

describe('matchers of mappings', () => {
  test('pass on what is so', ({ mm, device }) => {
    const buf = mm.mmap({ pages: 4 })
    expect(buf).toBeMapped()
    expect(buf).not.toBePresent()
    buf.fill(10)
    expect(buf).toBePresent()
    expect(buf).toHaveWords(10n)
    expect(buf).toHaveWords([10n, 11n, 12n, 13n])
    expect(buf).not.toHaveWords([10n])
    device.migrateToDevice(buf)
    expect(buf).toBeOnDevice()
    expect(buf).toBeOnDevice(device)
    expect(buf).not.toBePresent()
    expect(buf).toHaveWords(10n)
    expect(buf).not.toBeOnDevice(device)
    buf.advise('pageout')
    expect(buf).toBeSwappedOut()
    const pins = buf.pin()
    expect(buf).toBePinned()
    expect(buf).not.toBeSwappedOut()
    expect(mm).toPassAudit()
    expect(buf).toPassAudit()
    expect(device).toPassAudit()
    pins.unpin()
    expect(buf).not.toBePinned()
    buf.slice(3).unmap()
    expect(buf).not.toBeMapped()
  })

  test('fail with the pages as /proc shows them', ({ mm, device }) => {
    const buf = mm.mmap({ pages: 20 })
    buf.slice(0, 2).fill(5)
    expect(() => expect(buf).toBePresent()).toThrow(
      /20 pages at 0x[0-9a-f]+ to be present; not so: page 2, 3, 4, 5, 6, 7, 8, 9 and 10 more\n\n {2}page 0: present, pfn \d+, mapcount 1, .*ANON/,
    )
    expect(() => expect(buf).toBePresent()).toThrow(/and 4 more$/)
    expect(() => expect(buf.slice(0, 2)).not.toBePresent()).toThrow(/not to be present/)
    expect(() => expect(buf.slice(0, 2)).toBePinned()).toThrow(/to be pinned; not so: page 0, 1/)
    expect(() => expect(buf.slice(0, 1)).toBeSwappedOut()).toThrow(/swapped out.*\n\n {2}page 0: present/)
    expect(() => expect(buf.slice(0, 1)).toBeOnDevice()).toThrow(/in memory of a device/)
    expect(() => expect(buf.slice(0, 1)).toBeOnDevice(device)).toThrow(/in memory of 'device 0'/)
    expect(() => expect(buf.slice(0, 2)).toHaveWords([5n, 7n])).toThrow(/to have word 7 on page 1; it has 6/)
    expect(() => expect(buf.slice(0, 2)).toHaveWords([5n, 6n, 7n])).toThrow(/word 7 on page 2; it has no such page/)
    expect(() => expect(buf.slice(0, 2)).toHaveWords([5n])).toThrow(/expected 1 words; 2 pages at .* has 2/)
    expect(() => expect(buf.slice(0, 2)).not.toHaveWords(5n)).toThrow(/not to have these words/)
    expect(() => expect(mm).not.toPassAudit()).toThrow(/it was clean/)
    buf.slice(6, 2).unmap()
    expect(() => expect(buf).toBeMapped()).toThrow(
      /nothing is from page 6 on\n\n {2}0x[0-9a-f]+: 6 pages, anon-private, rw/,
    )
    expect(() => expect(buf.slice(0, 6)).not.toBeMapped()).toThrow(/not to be mapped/)
  })

  test.for([undefined, null, 42, {}, 'a mapping'])('%s is no mapping', (value, { mm }) => {
    for (const name of ['toBeMapped', 'toBePresent', 'toBeSwappedOut', 'toBeOnDevice', 'toHaveWords'] as const)
      expect(() => (matchers[name] as (value: unknown, arg?: unknown) => unknown)(value)).toThrow(PageboxError)
    const buf = mm.mmap({ pages: 1 })
    if (value !== undefined) expect(() => matchers.toBeOnDevice(buf, value as never)).toThrow(PageboxError)
  })
})

describe('plain assertions', () => {
  test('are the matchers', ({ box, mm, device }) => {
    expect(Object.keys(assertBox).sort()).toEqual([...Object.keys(matchers), 'not'].sort())
    const buf = mm.mmap({ pages: 2 })
    buf.fill(1)
    assertBox.toBePresent(buf)
    assertBox.toHaveWords(buf, 1n)
    assertBox.not.toBeOnDevice(buf, device)
    assertBox.toPassAudit(box)
    try {
      assertBox.toHaveWords(buf, [1n, 3n])
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(AssertionError)
      expect(error).toMatchObject({ operator: 'toHaveWords', expected: [1n, 3n], actual: [1n, 2n] })
      expect((error as Error).message).toMatch(/to have word 3 on page 1; it has 2/)
    }
    expect(() => assertBox.not.toBeMapped(buf)).toThrow(AssertionError)
    expect(() => assertBox.toBeMapped(box)).toThrow(PageboxError)
  })
})

describe('fixtures', () => {
  test.override({ deviceOptions: { type: 'coherent', pages: 8, name: 'hbm' }, boxOptions: { pages: 512 } })
  test('take the settings of the suite', ({ box, mm, device }) => {
    expect(mm.box).toBe(box)
    expect(device).toMatchObject({ type: 'coherent', pages: 8, name: 'hbm', firstPfn: 512 })
    const buf = mm.mmap({ pages: 8 })
    buf.fill(1)
    device.migrateToDevice(buf)
    expect(buf).toBeOnDevice(device)
    expect(buf).toBePresent()
  })
})
