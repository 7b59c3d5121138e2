import { explore, replay } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { exploredScenarios } from '../../../lib/engine/explore/named.ts'
import { opScenarios } from '../../../lib/engine/scenario/builtin.ts'
import { pinScenarios } from '../../../lib/engine/stress/scenarios.ts'

const pinsOf = (name: string) => exploredScenarios.find((each) => each.name === name) as (typeof exploredScenarios)[0]

describe('a scenario of stress', () => {
  test('is explored under its name', () => {
    expect(exploredScenarios.map(({ name }) => name)).toEqual([...pinScenarios, ...opScenarios].map(({ name }) => name))
  })

  test.each(pinScenarios.map(({ name }) => name))('%s: holds in every scheme', async (name) => {
    for (const scheme of ['refcount-bias', 'folio-pincount', 'lru-overlay', 'packed-64', 'side-table']) {
      const found = await explore(pinsOf(name), { scheme, layout: 'linux-4.20', samples: 300 })
      expect(found.first, scheme).toEqual([])
      expect(found.outcomes.clean, scheme).toBe(300)
      expect(found.distinct, scheme).toBeGreaterThan(250)
    }
  })

  test('of pins finds a mistake, whose token says which scenario it was', async () => {
    const found = await explore(pinsOf('pins'), { samples: 2000, quirks: ['put-for-unpin'] })
    const [first] = found.first
    expect(first).toBeDefined()
    const again = await replay(first?.token ?? '')
    expect(again.outcome).toBe(first?.outcome)
    expect(again.scenario.name).toBe('pins')
  })
})
