import { readFileSync } from 'node:fs'
import { search } from 'pagebox'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { toJson } from '../../lib/cli/json.ts'
import { searchSchema } from '../../lib/search/schema.ts'

type Plain = Record<string, unknown>

test('schemas/search.schema.json is what the answer is typed as', () => {
  expect(JSON.parse(readFileSync('schemas/search.schema.json', 'utf8'))).toEqual(searchSchema())
})

/** Copies of a document, each with one property left out, one more, or a string in the place of what is none. */
function* wrongOnes(value: unknown, root: unknown, path: readonly (string | number)[] = []): Generator<string> {
  const wrong = (change: (holder: Plain, key: string | number) => void, key: string | number): string => {
    const copy = structuredClone(root)
    let holder = copy as Plain
    for (const step of path) holder = holder[step] as Plain
    change(holder, key)
    return JSON.stringify(copy)
  }
  // What a scheme or a layout may leave out is held by the tests of their own schemas.
  if (path.includes('definition') || path.at(-1) === 'layout') return
  if (Array.isArray(value)) {
    if (value.length > 0) yield* wrongOnes(value[0], root, [...path, 0])
    return
  }
  if (typeof value !== 'object' || value === null) return
  yield wrong((holder) => Object.assign(holder, { moreThanKnown: 1 }), '')
  for (const [key, each] of Object.entries(value)) {
    yield wrong((holder) => delete holder[key], key)
    if (typeof each !== 'string') yield wrong((holder) => Object.assign(holder, { [key]: 'text' }), key)
    yield* wrongOnes(each, root, [...path, key])
  }
}

function stopsAtOnce(): { signal: AbortSignal; onProgress: () => void } {
  const stop = new AbortController()
  return { signal: stop.signal, onProgress: () => stop.abort() }
}

test('documents of each kind are what it says, and what is wrong in one is not', async () => {
  const schema = z.fromJSONSchema(searchSchema() as Parameters<typeof z.fromJSONSchema>[0])
  const documents = await Promise.all(
    [
      { types: ['anon', 'file'] as const, orders: [0, 9], exact: true, minPins: 65_536 },
      { types: ['anon', 'device-private-anon'] as const, layout: 'linux-4.20', fuzzyFrom: 1024, maxFlagBits: 4 },
      { types: ['anon'] as const, layout: 'linux-4.20-32', noLock: true, noGrowth: true, ...stopsAtOnce() },
    ].map(async (options) => JSON.parse(toJson(await search(options))) as unknown),
  )
  expect(documents[2]).toMatchObject({ complete: false, stoppedBy: 'abort' })
  for (const document of documents) expect(schema.safeParse(document).error?.issues.slice(0, 3)).toBeUndefined()
  const wrong = [...wrongOnes(documents[0], documents[0])]
  expect(wrong.length).toBeGreaterThan(100)
  for (const each of wrong) expect(schema.safeParse(JSON.parse(each)).success, each.slice(0, 200)).toBe(false)
}, 120_000)
