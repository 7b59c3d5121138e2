// Memory that is about to be taken away.
import { run, type ScenarioOp, type WrittenScenario } from 'pagebox'
import { expect, test } from 'vitest'

const op = (fields: Record<string, unknown>): ScenarioOp => fields as unknown as ScenarioOp
const setup = [
  op({ op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' }),
  op({ op: 'store', buf: 'a', value: 4 }),
]
const results = (scenario: Partial<WrittenScenario>) => {
  const { ran, audit } = run({ name: 'offline', setup, threads: [], ...scenario } as WrittenScenario)
  expect(audit.filter(({ invariant }) => invariant !== 'as-expected')).toEqual([])
  return ran.filter(({ thread }) => thread !== 'setup').map(({ result }) => result)
}
const only = (...ops: ScenarioOp[]) => ({ threads: [{ name: 'only', ops }] })

test('a long-term pin moves the page first, a short one does not', () => {
  const offline = [...setup, op({ op: 'offline', buf: 'a' })]
  const pin = (mode: string) => op({ op: 'gup', buf: 'a', page: 0, mode, write: 1 })
  expect(
    results({ setup: offline, ...only(pin('pin_longterm'), op({ op: 'load', buf: 'a', expect: 4, must: 1 })) }),
  ).toMatchObject([{ ret: 'ok', pages: 1 }, { v: [4] }])
  const held = only(op({ op: 'pin', id: 1, via: 'vmsplice', buf: 'a', page: 0 }), pin('pin_longterm'))
  expect(results({ setup: offline, ...held })[1]).toMatchObject({ ret: 'ok', pages: 0 })
})

test('in a thread it is refused, and so is a page that is not there', () => {
  expect(results(only(op({ op: 'offline', buf: 'a' })))).toMatchObject([{ ret: 'EINVAL' }])
  const empty = [op({ op: 'mmap', buf: 'b', pages: 1, kind: 'anon-private', prot: 'rw' }), op({ op: 'load', buf: 'b' })]
  for (const buf of ['b', 'c']) {
    const { ran } = run({
      name: 'nothing',
      setup: [...empty, op({ op: 'offline', buf })],
      threads: [{ name: 'none', ops: [] }],
    })
    expect(ran.at(-1)?.result).toEqual({ ret: 'EFAULT' })
  }
})
