import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { Box } from '../../lib/index.ts'
import { native } from '../../lib/native/load.ts'
import { tables } from '../../lib/native/tables.ts'

// Each time that an environment loads the addon it has another page slot; only one is near at hand.
test('an addon that its environment loads twice keeps the pages of each apart', () => {
  const again: { exports: { pageCalls?: ReturnType<typeof native>['pageCalls'] } } = { exports: {} }
  const loaded = Object.keys(createRequire(import.meta.url).cache).find((path) => path.endsWith('.node'))
  expect(loaded).toBeDefined()
  using box = Box.create({ pages: 4 })
  box.setup(3, { type: 'anon' })
  box.pins.pin(3)
  process.dlopen(again, loaded as string)
  const other = again.exports.pageCalls
  expect(other?.slot).not.toBe(native().pageCalls.slot)
  box.pins.pin(3)
  expect(box.pins.pins(3)).toEqual({ pins: 2, exact: false })
  other?.slot.set([3, native().pageCalls.slot[1] as number])
  expect(other?.unpin()).toBe(tables().statuses.closed) // a box of the first
  box.pins.unpin(3)
  expect(box.pins.pins(3)).toEqual({ pins: 1, exact: false })
})
