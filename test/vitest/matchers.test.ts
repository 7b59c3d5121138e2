import { layouts, PageboxError } from 'pagebox'
import { describe, expect, matchers, test } from 'pagebox/vitest'

describe('matchers', () => {
  test('pass on what is so', ({ box }) => {
    box.setup(4, { type: 'anon', onLru: true })
    expect(box.page(4)).toBeOnLru()
    expect(box.page(4)).toBeOnLru('inactive_anon')
    box.pins.pin(4, 2)
    expect(box.page(4)).toBePinned()
    expect(box.page(4)).toHavePins(2)
    box.pins.unpin(4, 2)
    expect(box.page(4)).not.toBePinned()
    expect(box.page(4)).toHoldFields({ _mapcount: box.page(4).fields._mapcount as bigint })
    expect(box).toPassAudit()
    expect(box.audit()).toPassAudit()
  })

  test.each([
    ['toBePinned', []],
    ['toHavePins', [3]],
    ['toBeOnLru', ['active_file']],
    ['toHoldFields', [{ index: 0x1234n }]],
    ['toHoldFields', [{ nonsense: 1n }]],
  ] as const)('%s fails with the words of the descriptor', (name, args) => {
    return withPage((page) => {
      const result = (matchers[name] as (page: unknown, ...args: unknown[]) => { pass: boolean; message(): string })(
        page,
        ...args,
      )
      expect(result.pass).toBe(false)
      const message = result.message()
      expect(message).toContain(page.hexdump())
      expect(message).toContain('page 4 (anon)')
    })
  })

  test('a field that does not exist is named, with those that do', () =>
    withPage((page) => {
      expect(matchers.toHoldFields(page, { nonsense: 1n }).message()).toMatch(/nonsense: no such field .*_refcount/)
    }))

  test('each fails when negated on what is so', () =>
    withPage((page, box) => {
      expect(() => expect(page).not.toBeOnLru()).toThrow(/not to be on/)
      expect(() => expect(box).not.toPassAudit()).toThrow(/it was clean/)
      box.pins.pin(4)
      expect(() => expect(page).not.toBePinned()).toThrow(/not to be pinned/)
      box.pins.unpin(4)
    }))

  test.each([undefined, null, 42, {}, 'page'])('%s is no page and no box', (value) => {
    for (const name of ['toBePinned', 'toHavePins', 'toBeOnLru', 'toHoldFields', 'toPassAudit'] as const)
      expect(() => (matchers[name] as (value: unknown, arg: unknown) => unknown)(value, {})).toThrow(PageboxError)
  })
})

describe('fixtures', () => {
  test.override({ boxOptions: { pages: 64, layout: 'linux-4.20', scheme: 'lru-overlay' } })
  test('take the settings of the suite', ({ box }) => {
    expect(box.pages).toBe(64)
    expect(box.layout).toEqual(layouts.get('linux-4.20'))
  })
})

type Received = Parameters<typeof matchers.toHoldFields>[0]

function withPage(use: (page: Received & { hexdump(): string }, box: import('pagebox').Box) => void): Promise<void> {
  return import('pagebox').then(({ Box }) => {
    const box = Box.create({ pages: 64 })
    try {
      box.setup(4, { type: 'anon', onLru: true })
      use(box.page(4) as never, box)
    } finally {
      box.close()
    }
  })
}
