import { expect, test } from 'vitest'
import { explore, replay, scenario, type WrittenScenario } from 'pagebox'

const strategies = ['dpor', 'depth-first'] as const

/** Words of outcomes, sorted: what threads read, then what came after. */
async function wordsOf(s: WrittenScenario, strategy: (typeof strategies)[number]): Promise<string[]> {
  const found = await explore(s, { strategy, samples: 200_000, outcomes: true })
  expect(found.complete).toBe(true)
  const words = (found.seen ?? []).map(({ result }) =>
    [...result.threads.flat(), ...result.after]
      .flatMap((each) => (each as { v?: number[] } | null)?.v ?? [])
      .map(Number)
      .join(' '),
  )
  return words.sort()
}

// Pages that are pinned before the threads begin: a device stores to them past the page table and its locks.
const devices = scenario('device against pages that are read', {}, (b) => {
  const buf = b.mmap({ pages: 2 })
  b.store(buf, 7)
  const pin = b.pin(buf, { via: 'uring', write: true })
  b.thread('device', (t) => t.pinWrite(pin, 20))
  b.thread('other', (t) => t.pinRead(pin))
})
const bothWays = ['20 21', '20 8', '7 21', '7 8']

test.each(strategies)('%s: two devices meet at each page', async (strategy) => {
  expect(await wordsOf(devices, strategy)).toEqual(bothWays)
})

test.each(strategies)('%s: a device stores before or after a program loads', async (strategy) => {
  const s = scenario('device against a load', {}, (b) => {
    const buf = b.mmap({ pages: 2 })
    b.store(buf, 7)
    const pin = b.pin(buf, { via: 'uring', write: true })
    b.thread('device', (t) => t.pinWrite(pin, 20))
    b.thread('program', (t) => t.load(buf))
  })
  expect(await wordsOf(s, strategy)).toEqual(bothWays)
})

test.each(strategies)('%s: two devices store, each page keeps the last', async (strategy) => {
  const s = scenario('two devices', {}, (b) => {
    const buf = b.mmap({ pages: 2 })
    b.store(buf, 7)
    const pin = b.pin(buf, { via: 'uring', write: true })
    b.thread('one', (t) => t.pinWrite(pin, 20))
    b.thread('other', (t) => t.pinWrite(pin, 30))
    b.after((t) => t.load(buf))
  })
  expect(await wordsOf(s, strategy)).toEqual(['20 21', '20 31', '30 21', '30 31'])
})

test("fork's copies of pinned pages have what a device has stored by then", async () => {
  const s = scenario('device against fork', {}, (b) => {
    const buf = b.mmap({ pages: 2 })
    b.store(buf, 7)
    const pin = b.pin(buf, { via: 'uring', write: true })
    b.thread('device', (t) => t.pinWrite(pin, 20))
    b.thread('program', (t) => {
      const child = t.fork()
      t.load(buf, { proc: child })
    })
  })
  expect(await wordsOf(s, 'dpor')).toEqual(bothWays)
})

test('stores to pages of their own make no more classes than looking does', async () => {
  const classesOf = async (op: 'pinRead' | 'pinWrite'): Promise<number> => {
    const s = scenario(op, {}, (b) => {
      for (const name of ['one', 'other']) {
        const buf = b.mmap({ pages: 1 })
        b.store(buf, 1)
        const pin = b.pin(buf, { via: 'uring', write: true })
        b.thread(name, (t) => (op === 'pinRead' ? t.pinRead(pin) : t.pinWrite(pin, 20)))
      }
    })
    const found = await explore(s, { strategy: 'dpor', samples: 200_000 })
    expect(found.complete).toBe(true)
    return found.classes
  }
  expect(await classesOf('pinWrite')).toBe(await classesOf('pinRead'))
})

test('a step on contents is told by its page, with its first word before and after', async () => {
  const { seen } = await explore(devices, { strategy: 'dpor', outcomes: true })
  const { steps } = await replay(seen?.[0]?.token as string)
  const stores = steps.filter(({ place, access }) => place.startsWith('contents of page ') && access === 'write')
  expect(stores.map(({ beforeText, afterText }) => `${beforeText} → ${afterText}`)).toEqual(['7 → 20', '8 → 21'])
})
