import { PageboxError } from '../errors.ts'
import { gather } from './gather.ts'
import type { AsideRecord, FindingRecord, RunHeader, RunState } from './records.ts'
import { endingSignature, endingText } from './endings.ts'
import type { RunCounts, Store } from './store.ts'
import type { Work, WorkDocument, WorkFinding, WorkMerged } from './work.ts'

/** The same fault once. */
export interface Grouped {
  readonly signature: string
  readonly text: string
  /** The shortest of all. */
  readonly repeat: string | undefined
  /** Shards that have it. */
  readonly shards: number
}

export interface RunSummary {
  readonly header: RunHeader
  readonly state: RunState
  readonly counts: RunCounts
  /** By the server's clock, in milliseconds. */
  readonly filed: number
  /** From its filing to its end, or until now. */
  readonly seconds: number
  readonly coordinator: string | null
  /** Workers that do not do it, and why. */
  readonly refusals: Readonly<Record<string, string>>
}

/** A run that is there but cannot be read. */
export interface Damaged {
  readonly id: string
  readonly why: string
}

export async function summaryOf(store: Store, id: string): Promise<RunSummary> {
  const [{ header, state, ended }, counts, runs, now, coordinator, refusals] = await Promise.all([
    store.run(id),
    store.counts(id),
    store.runs(),
    store.now(),
    store.coordinator(id),
    store.refusals(id),
  ])
  const filed = runs.find((run) => run.id === id)?.filed ?? now
  return { header, state, counts, filed, seconds: Math.max(0, (ended ?? now) - filed) / 1000, coordinator, refusals }
}

/** Every run, the oldest first; one that is damaged hides no other. */
export async function allRuns(store: Store): Promise<(RunSummary | Damaged)[]> {
  const found: (RunSummary | Damaged)[] = []
  for (const { id } of await store.runs()) {
    try {
      found.push(await summaryOf(store, id))
    } catch (error) {
      if (!(error instanceof PageboxError)) throw error
      found.push({ id, why: error.message })
    }
  }
  return found
}

/** By signature, with the shortest way to repeat each. */
export function grouped(findings: readonly (FindingRecord | (WorkFinding & { shard?: number }))[]): Grouped[] {
  const groups = new Map<string, { text: string; repeat: string | undefined; shards: Set<number>; count: number }>()
  for (const { signature, text, repeat, shard } of findings) {
    const group = groups.get(signature)
    if (group === undefined) {
      groups.set(signature, { text, repeat, shards: new Set(shard === undefined ? [] : [shard]), count: 1 })
      continue
    }
    if (shard !== undefined) group.shards.add(shard)
    if (repeat !== undefined && (group.repeat === undefined || repeat.length < group.repeat.length)) {
      group.repeat = repeat
      group.text = text
    }
  }
  return [...groups]
    .map(([signature, { text, repeat, shards }]) => ({ signature, text, repeat, shards: Math.max(1, shards.size) }))
    .sort((a, b) => b.shards - a.shards || (a.signature < b.signature ? -1 : 1))
}

/** What was set aside, as findings: it ends the process, and here is the command. */
export const asideFindings = (aside: readonly AsideRecord[]): (WorkFinding & { shard: number })[] =>
  aside.map(({ shard, losses, repeat }) => {
    const ending = losses.at(-1)?.ending ?? ({ kind: 'lost', workers: 0 } as const)
    return {
      shard,
      signature: endingSignature(ending),
      text: `shard ${shard} ${endingText(ending)}`,
      repeat,
    }
  })

export interface RunReport {
  readonly summary: RunSummary
  readonly documents: readonly WorkDocument[]
  readonly merged: WorkMerged
  readonly aside: readonly AsideRecord[]
  readonly findings: readonly Grouped[]
  /** Results in the queue that are none of this run's, as sentences. */
  readonly refused: readonly string[]
}

/** All that a run has so far. */
export async function reportOf(store: Store, work: Work, id: string): Promise<RunReport> {
  const summary = await summaryOf(store, id)
  const { header } = summary
  const [{ documents, lies }, aside, seen] = await Promise.all([
    gather(store, work, header),
    store.aside(id),
    store.findings(id),
  ])
  const merged = work.merge(documents, documents.length === header.of)
  // How many shards have it, from those that were told as they came; what it is, from what was merged.
  const shards = new Map(grouped(seen).map((each) => [each.signature, each.shards]))
  const findings = [...grouped(asideFindings(aside)), ...grouped(merged.findings)].map((each) => ({
    ...each,
    shards: Math.max(each.shards, shards.get(each.signature) ?? 0),
  }))
  const refused = lies.map(({ name, worker, why }) => `shard ${name}${worker ? ` from ${worker}` : ''}: ${why}`)
  return { summary, documents, merged, aside, findings, refused }
}
