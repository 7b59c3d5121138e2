import { explore, shrink } from '../../index.ts'
import type { ShrinkResult } from '../../engine/explore/replayTypes.ts'
import type { ExploreOptions, ExploreScenarioResult, Finding, Scenario } from '../../engine/scenario/scenarioTypes.ts'
import { PageboxError } from '../../errors.ts'

/** One kind of bad end: the first schedule that came to it. */
export interface Kind {
  readonly finding: Finding
  /** Null: it was not asked for, or was stopped before it began. */
  readonly shortest: ShrinkResult | null
}

export interface Explored {
  readonly scenario: Scenario
  readonly result: ExploreScenarioResult
  readonly kinds: readonly Kind[]
}

export interface Watching {
  readonly signal: AbortSignal
  exploring(done: number, total: number, seconds: number): void
  shrinking(tried: number, ops: number): void
}

/** Told of an exploration, to have the first of each kind among them. */
const told = 256
/** Of so many kinds the shortest is looked for. */
const mostKinds = 8

function kindsOf(first: readonly Finding[]): Finding[] {
  const byKind = new Map<string, Finding>()
  for (const finding of first) {
    const kind = `${finding.outcome} ${finding.row?.invariant}`
    if (!byKind.has(kind)) byKind.set(kind, finding)
  }
  return [...byKind.values()].slice(0, mostKinds)
}

/** Explores, and makes the first of each kind of bad end as short as it gets. Stopped, it has what it found. */
export async function explored(
  scenario: Scenario,
  options: ExploreOptions,
  wanted: { shrink: boolean },
  watching: Watching,
): Promise<Explored> {
  const { signal } = watching
  const result = await explore(scenario, {
    findings: told,
    ...options,
    signal,
    onProgress: ({ done, total, seconds }) => watching.exploring(done, total, seconds),
  })
  const kinds: Kind[] = []
  for (const finding of kindsOf(result.first)) {
    const shortest = wanted.shrink ? await shortestOf(finding, scenario, watching) : null
    kinds.push({ finding, shortest })
  }
  return { scenario, result, kinds }
}

async function shortestOf({ token }: Finding, scenario: Scenario, watching: Watching): Promise<ShrinkResult | null> {
  const { signal } = watching
  try {
    return await shrink(token, {
      scenario,
      signal,
      onProgress: ({ done, ops }) => watching.shrinking(done, ops),
    })
  } catch (error) {
    if (error instanceof PageboxError && error.code === 'ERR_PAGEBOX_ABORTED') return null
    throw error
  }
}
