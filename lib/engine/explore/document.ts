import type { ReplayResult } from './replayTypes.ts'
import type { Explored } from './exploring.ts'

/** How often each came out, that did. */
export const outcomesOf = ({ result }: Explored): { result: string; count: number; token: string | null }[] =>
  Object.entries(result.outcomes)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => ({
      result: outcome,
      count,
      token: result.first.find((finding) => finding.outcome === outcome)?.token ?? null,
    }))

/** What `explore --json` prints. */
export function exploreDocument(
  explored: Explored,
  facts: { scenario: string; scheme: string; layout: string; strategy: string },
): object {
  const { result, kinds } = explored
  const { outcomes: _, first: __, toString: ___, ...plain } = result as typeof result & { toString: unknown }
  return {
    ...facts,
    outcome: kinds[0]?.finding.outcome ?? 'clean',
    ...plain,
    findings: kinds.map(({ finding, shortest }) => ({
      outcome: finding.outcome,
      invariant: finding.row?.invariant ?? '',
      text: finding.text,
      schedules: result.outcomes[finding.outcome],
      token: finding.token,
      shortest:
        shortest === null
          ? null
          : {
              ops: shortest.ops,
              switches: shortest.switches,
              steps: shortest.steps.length,
              text: shortest.text,
              token: shortest.token,
              scenario: shortest.scenario,
              stoppedBy: shortest.stoppedBy,
            },
    })),
    outcomes: outcomesOf(explored),
  }
}

/** What `replay --json` prints. */
export function replayDocument(result: ReplayResult): object {
  const { toString: _, ...plain } = result as ReplayResult & { toString: unknown }
  return plain
}
