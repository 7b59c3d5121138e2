import { assertBox } from 'pagebox/assert'
import { Box, PageboxError } from 'pagebox'
import { describe, expect, matchers, test } from 'pagebox/vitest'

/** What is no page, no range and no verdict, and may throw wherever it is read. */
function strangers(): [string, unknown][] {
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const throws = (): never => {
    throw new Error('read')
  }
  const named = (...names: string[]): object => Object.fromEntries(names.map((name) => [name, 1]))
  return [
    ['a revoked proxy', revoked.proxy],
    ['a proxy that says -1', new Proxy([], { get: () => -1, has: () => true })],
    ['a proxy that throws', new Proxy({}, { get: throws, has: throws, ownKeys: throws, getPrototypeOf: throws })],
    ['what only looks like a page', named('pfn', 'hexdump', 'box')],
    ['what only looks like a range', named('pagemap', 'slice', 'mm')],
    ['what only looks like an address space', named('mmap', 'fork', 'box')],
    ['what only looks like a device', named('holders', 'firstPfn')],
    ['a verdict without text', Object.assign(Object.create(null), { clean: false, rows: [] })],
    ['a verdict whose text is a symbol', { clean: false, rows: [], toString: () => Symbol('x') }],
    ['an audit of itself', loop()],
    ['a symbol', Symbol('x')],
    ['null', null],
  ]
}

function loop(): object {
  const self = { audit: () => self }
  return self
}

const names = Object.keys(matchers) as (keyof typeof matchers)[]
interface Result {
  pass: boolean
  message(): string
}
/** Those of explorations are awaited. */
type Loose = (...args: unknown[]) => Result | Promise<Result>

async function typed(call: () => Result | Promise<Result>): Promise<void> {
  let error: unknown
  try {
    const result = await call()
    result.message()
  } catch (thrown) {
    error = thrown
  }
  if (error !== undefined) expect(error).toBeInstanceOf(PageboxError)
}

describe.each(names)('%s', (name) => {
  const matcher = matchers[name] as Loose
  const box = Box.create({ pages: 64 })
  const mapping = box.createMm().mmap({ pages: 2 })
  const real = [box.page(1), mapping, box]

  test.each(strangers())('received: %s', async (_, received) => {
    await typed(() => matcher(received, 1))
  })
  test.each(strangers())('an argument: %s', async (_, value) => {
    for (const received of real) await typed(() => matcher(received, value))
  })
  test('its plain assertion throws what it throws', async () => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    for (const assertion of [assertBox[name], assertBox.not[name]] as unknown as ((
      value: unknown,
    ) => void | Promise<void>)[])
      await expect((async () => assertion(revoked.proxy))()).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_PAGEBOX_ARG_TYPE' }),
      )
  })
})
