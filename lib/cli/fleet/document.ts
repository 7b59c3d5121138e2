import { endingText } from '../../fleet/endings.ts'
import type { Damaged, RunReport, RunSummary } from '../../fleet/summary.ts'
import type { SeenWorker } from '../../fleet/workers.ts'
import type { FleetDocument } from '../../report/fleetTypes.ts'

/** What `fleet report --json` prints. */
export function reportDocument({ summary, merged, aside, findings, refused }: RunReport): FleetDocument {
  const { header, state, counts, filed, seconds, refusals } = summary
  return {
    run: header.id,
    command: header.command,
    state,
    by: header.by,
    of: header.of,
    done: counts.done,
    aside: aside.map(({ shard, losses, repeat }) => ({
      shard,
      repeat,
      endings: losses.map(({ worker, ending }) => ({ worker, text: endingText(ending) })),
    })),
    active: counts.active,
    waiting: counts.waiting,
    filed: new Date(filed).toISOString(),
    seconds,
    workSeconds: merged.seconds,
    ran: merged.done,
    findings: findings.map(({ signature, text, repeat, shards }) => ({
      signature,
      text,
      repeat: repeat ?? null,
      shards,
    })),
    refusals,
    refusedResults: refused,
    document: merged.document,
  }
}

/** What `fleet status --json` prints. */
export const statusDocument = (runs: readonly (RunSummary | Damaged)[], workers: readonly SeenWorker[]): object => ({
  runs: runs.map((run) => {
    if ('why' in run) return { run: run.id, damaged: run.why }
    const { header, state, counts, filed, seconds, coordinator, refusals } = run
    return {
      run: header.id,
      command: header.command,
      state,
      of: header.of,
      ...counts,
      filed: new Date(filed).toISOString(),
      seconds,
      coordinator,
      refusals,
    }
  }),
  workers: workers.map(({ id, host, pid, cores, by, doing, done, isThere }) => ({
    id,
    host,
    pid,
    cores,
    by,
    doing,
    done,
    isThere,
  })),
})
