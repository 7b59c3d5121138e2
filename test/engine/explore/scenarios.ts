import type { ScenarioOp, WrittenScenario } from 'pagebox'

const op = (fields: Record<string, unknown>): ScenarioOp => fields as unknown as ScenarioOp

export const pin = (id: number): ScenarioOp => op({ op: 'pin', id, via: 'gup', buf: 'a', page: 0, fast: 1 })
export const unpin = (id: number): ScenarioOp => op({ op: 'unpin', id })
export const load = op({ op: 'load', buf: 'a', page: 0 })
export const setup: readonly ScenarioOp[] = [
  op({ op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' }),
  op({ op: 'store', buf: 'a', value: 7 }),
]

/** With `flag-without-count` on `flag-and-word` the unpin clears the flag that the other pin needs, unless it comes first. */
export const pinning: WrittenScenario = {
  name: 'two pin, one unpins',
  setup,
  threads: [
    { name: 'one', ops: [load, pin(1), load] },
    { name: 'two', ops: [load, pin(2), unpin(2), load] },
    { name: 'idle', ops: [load] },
  ],
}
export const broken = { scheme: 'flag-and-word', quirks: ['flag-without-count'] } as const

/** Two devices at two pages that are pinned: four outcomes. */
export const meeting: WrittenScenario = {
  name: 'two devices meet',
  setup: [
    op({ op: 'mmap', buf: 'a', pages: 2, kind: 'anon-private', prot: 'rw' }),
    op({ op: 'store', buf: 'a', value: 7 }),
    op({ op: 'pin', id: 1, via: 'uring', buf: 'a', write: 1 }),
  ],
  threads: [
    { name: 'writes', ops: [op({ op: 'pin_write', id: 1, value: 20 })] },
    { name: 'reads', ops: [op({ op: 'pin_read', id: 1 })] },
  ],
}

/** A million turns of each thread: the limit of steps ends it. */
export const endless: WrittenScenario = {
  name: 'never ends',
  setup,
  threads: [
    { name: 'one', ops: [op({ op: 'repeat', n: 1_000_000, ops: [load] })] },
    { name: 'two', ops: [op({ op: 'repeat', n: 1_000_000, ops: [load] })] },
  ],
}

/** Too long to be carried by a token. */
export const long: WrittenScenario = {
  name: 'long',
  setup,
  threads: [
    { name: 'one', ops: Array.from({ length: 300 }, (_, i) => op({ op: 'store', buf: 'a', value: i })) },
    { name: 'two', ops: [pin(1)] },
  ],
}
