import { readFileSync } from 'node:fs'
import { layouts, schemes } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { schemas } from '../../lib/engine/schemas.ts'
import { readScenario } from '../../lib/engine/scenario/readScenario.ts'
import { opScenarios } from '../../lib/engine/scenario/builtin.ts'
import { layoutShape } from '../../lib/page/defineLayout.ts'
import { schemeShape } from '../../lib/pins/defineScheme.ts'

const all = schemas()
const takes = (name: keyof typeof all): ((value: unknown) => boolean) => {
  const schema = z.fromJSONSchema(all[name] as Parameters<typeof z.fromJSONSchema>[0])
  return (value) => schema.safeParse(value).success
}
const reads = (read: (value: unknown) => unknown) => (value: unknown) => {
  try {
    read(value)
    return true
  } catch {
    return false
  }
}

test.each(Object.keys(all) as (keyof typeof all)[])('schemas/%s.schema.json is what the reader says', (name) => {
  expect(JSON.parse(readFileSync(`schemas/${name}.schema.json`, 'utf8'))).toEqual(all[name])
})

/** Each property left out, of another type, beyond its range, and one more. */
function* wrongOnes(value: Record<string, unknown>): Generator<Record<string, unknown>> {
  yield { ...value, moreThanKnown: 1 }
  for (const key of Object.keys(value)) {
    const { [key]: _, ...rest } = value
    yield rest
    for (const other of [-1, 1.5, 1e9, 'no such thing', '', null, true, [], {}, ['x'], 'a\u001bb'])
      yield { ...value, [key]: other }
  }
}

const plain = (value: object): Record<string, unknown> => JSON.parse(JSON.stringify(value)) as Record<string, unknown>

describe('schema and reader say the same', () => {
  const cases = [
    ...[...schemes].map(({ name, definition }) => ['scheme', name, plain(definition)] as const),
    ...['linux-6.12', 'linux-4.20-32'].map((name) => {
      const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...rest } = layouts.get(name)
      return ['layout', name, plain(rest)] as const
    }),
  ]
  const reader = {
    scheme: reads((value) => schemeShape.read(value, 'it')),
    layout: reads((value) => layoutShape.read(value, 'it')),
  }
  test.each(cases)('of the %s %s', (kind, _, value) => {
    const schema = takes(kind)
    expect(schema(value)).toBe(true)
    expect(reader[kind](value)).toBe(true)
    for (const wrong of wrongOnes(value))
      expect(schema(wrong), JSON.stringify(wrong).slice(0, 300)).toBe(reader[kind](wrong))
  })

  test('of scenarios, as far as a schema can say it', () => {
    const schema = takes('scenario')
    for (const scenario of opScenarios) {
      const value = plain(scenario)
      expect(reads(readScenario)(value)).toBe(true)
      expect(schema(value), scenario.name).toBe(true)
      for (const wrong of [
        { ...value, more: 1 },
        { ...value, pages: 1 },
        { ...value, name: '' },
      ]) {
        expect(reads(readScenario)(wrong)).toBe(false)
        expect(schema(wrong)).toBe(false)
      }
    }
  })
})
