import { explore } from '../scenario/exploreScenario.ts'
import { shrink } from './shrink.ts'
import type { ShrinkResult } from './replayTypes.ts'
import type {
  ExploreOptions,
  ExploreProgress,
  ExploreScenarioResult,
  Finding,
  Scenario,
} from '../scenario/scenarioTypes.ts'
import { PageboxError } from '../../errors.ts'

/** One kind of bad end: the first schedule that came to it. */
export interface Kind {
  readonly finding: Finding
  /** Null: it was not asked for, or was stopped before it began. */
  readonly shortest: Shortest | null
}

/** Of a shrunk schedule what its document says; the token has the rest. */
export type Shortest = Pick<
  ShrinkResult,
  'ops' | 'switches' | 'text' | 'token' | 'scenario' | 'stoppedBy' | 'tried' | 'rules' | 'quirks'
> & { readonly steps: { readonly length: number } }

export interface Explored {
  readonly scenario: Scenario
  readonly result: ExploreScenarioResult
  readonly kinds: readonly Kind[]
}

/** The same with every step. */
export interface WholeKind extends Kind {
  readonly shortest: ShrinkResult | null
}
export interface ExploredWhole extends Explored {
  readonly kinds: readonly WholeKind[]
}

export interface Watching {
  readonly signal: AbortSignal
  exploring(progress: ExploreProgress): void
  shrinking(tried: number, ops: number): void
}

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
  engine: (scenario: Scenario, options: ExploreOptions) => Promise<ExploreScenarioResult> = explore,
): Promise<ExploredWhole> {
  const { signal } = watching
  const result = await engine(scenario, {
    ...options,
    signal,
    onProgress: watching.exploring,
  })
  const kinds: WholeKind[] = []
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
