import { opScenarios } from '../scenario/builtin.ts'
import type { RandomScenario } from '../scenario/scenarioTypes.ts'
import type { PinOp } from '../raceTypes.ts'
import { type PinScenario, pinScenarios } from '../stress/scenarios.ts'

type Named = RandomScenario & { readonly summary: string }

/** What a race does in one kernel, as operations on pages: a thread gives back what it has taken in its own time. */
const asOps: Readonly<Record<PinOp, readonly string[]>> = {
  'pin+unpin': ['pin_page', 'unpin_page'],
  pin: ['pin_page'],
  unpin: ['unpin_page'],
  'get+put': ['get_page', 'put_page'],
  get: ['get_page'],
  put: ['put_page'],
  maybe_pinned: ['maybe_pinned'],
  'try_pin_speculative+unpin': ['pin_page', 'unpin_page'],
  // Through page tables, whose entry is the reference.
  'pin_referenced+unpin': ['pin', 'unpin'],
  'isolate+putback': ['isolate_page', 'putback_page'],
}

function explored({ name, summary, mix }: PinScenario): Named {
  const weights: Record<string, number> = {}
  for (const [op, weight] of Object.entries(mix))
    for (const each of asOps[op as PinOp]) weights[each] = (weights[each] ?? 0) + weight
  return { name, summary, mixes: [weights, weights], processes: 1, buffers: 1, pagesEach: 4 }
}

/** What `explore` takes by name: every scenario that `stress` runs. */
export const exploredScenarios: readonly Named[] = [...pinScenarios.map(explored), ...opScenarios]
