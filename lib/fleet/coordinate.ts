import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { PageboxError } from '../errors.ts'
import { fileMissing } from './filing.ts'
import { gather, type Lie } from './gather.ts'
import { newId } from './names.ts'
import type { AsideRecord, FindingRecord, RunHeader } from './records.ts'
import type { RunCounts, Store } from './store.ts'
import type { Work, WorkDocument } from './work.ts'
import { seenWorkers } from './workers.ts'

export interface RunProgress {
  readonly header: RunHeader
  readonly counts: RunCounts
  /** Workers that are there, and shards that they can do at a time. */
  readonly workers: number
  readonly cores: number
  /** Shards a second since this coordinator began; 0: none yet. */
  readonly perSecond: number
}

export interface CoordinateOptions {
  readonly store: Store
  readonly work: Work
  readonly id: string
  readonly signal: AbortSignal
  readonly say: (text: string) => void
  readonly onFiled?: (filed: number, of: number) => void
  readonly onProgress?: (progress: RunProgress) => void
  readonly onFinding?: (finding: FindingRecord) => void
  readonly pollMs?: number
  readonly leaseMs?: number
  /** Waits for a coordinator that was killed, instead of refusing at once. */
  readonly waitForLease?: boolean
}

export interface RunOutcome {
  readonly header: RunHeader
  readonly documents: readonly WorkDocument[]
  readonly aside: readonly AsideRecord[]
}

const usualPollMs = 500
const usualLeaseMs = 10_000

async function takeLease(options: CoordinateOptions, who: string): Promise<void> {
  const { store, id, signal, say, leaseMs = usualLeaseMs, waitForLease = false } = options
  const { insist } = store.connection.patience
  const until = performance.now() + (waitForLease ? leaseMs * 1.2 : 0)
  for (let told = false; ; told = true) {
    const other = await insist(() => store.hold(id, who, leaseMs), signal)
    if (other === undefined) return
    if (performance.now() >= until)
      throw new PageboxError(
        'ERR_PAGEBOX_RUN',
        `run ${id} has a coordinator, ${other}; a run has one at a time: pagebox fleet status ${id} looks on`,
        { argument: 'run', given: id },
      )
    if (!told) say(`run ${id} has a coordinator, ${other}; waiting whether it is still there`)
    await sleep(Math.min(500, leaseMs / 10), undefined, { signal })
  }
}

/** Takes out what lies about its shard, and asks for it again; from somebody else. */
async function refuseLies({ store, id, say }: CoordinateOptions, header: RunHeader, lies: readonly Lie[], work: Work) {
  const { insist } = store.connection.patience
  for (const { name, shard, worker, why } of lies) {
    say(`run ${id}: the result of shard ${name}${worker === undefined ? '' : ` from ${worker}`} is refused: ${why}`)
    if (worker !== undefined)
      await insist(() => store.refuse(id, worker, `its result of shard ${name} was refused: ${why}`))
    const ending = { kind: 'lies', message: why.slice(0, 2000) } as const
    const all =
      shard === undefined ? [] : await insist(() => store.noteLoss(id, shard, { worker: worker ?? 'nobody', ending }))
    await insist(() => store.dropResult(id, name))
    if (shard === undefined || all.length < header.tries) continue
    const repeat = work.repeat(header.command, shard, header.of)
    await insist(() => store.setAside(id, { shard, losses: all, repeat }))
  }
}

/**
 * Waits for a run, and gives what its shards gave. It files what is missing, at the beginning and where the queue has
 * lost it; only one coordinator of a run does that. A coordinator that ends, in any way, takes nothing along.
 *
 * Rejects with `ERR_PAGEBOX_RUN` where there is no such run, it has another coordinator or is cancelled.
 */
export async function coordinate(options: CoordinateOptions): Promise<RunOutcome> {
  const { store, work, id, signal, onFiled, onProgress, onFinding } = options
  const { pollMs = usualPollMs, leaseMs = usualLeaseMs } = options
  const { insist } = store.connection.patience
  const who = `${hostname()}-${process.pid}-${newId(4)}`
  const { header } = await insist(() => store.run(id), signal)
  await takeLease(options, who)
  const renewing = setInterval(() => store.hold(id, who, leaseMs).catch(() => {}), leaseMs / 4)
  try {
    await fileMissing(store, header, signal, onFiled)
    const begun = performance.now()
    let first: number | undefined
    let told = 0
    let idle = 0
    for (;;) {
      const [counts, state, other] = await insist(
        () => Promise.all([store.counts(id), store.state(id), store.hold(id, who, leaseMs)]),
        signal,
      )
      if (other !== undefined)
        throw new PageboxError('ERR_PAGEBOX_RUN', `run ${id} was taken over by another coordinator, ${other}`)
      if (state === undefined)
        throw new PageboxError('ERR_PAGEBOX_RUN', `run ${id} is gone: it was forgotten, or the queue lost what it held`)
      if (state === 'cancelled') {
        // What was filed while it was being cancelled.
        await insist(() => store.obliterate(id), signal)
        throw new PageboxError(
          'ERR_PAGEBOX_RUN',
          `run ${id} was cancelled; pagebox fleet resume ${id} takes it up again`,
        )
      }
      const fresh = counts.findings > told ? await insist(() => store.findings(id, told), signal) : []
      told += fresh.length
      for (const finding of fresh) onFinding?.(finding)
      const decided = counts.done + counts.aside
      first ??= decided
      if (onProgress !== undefined) {
        const there = (await insist(() => seenWorkers(store), signal)).filter(({ isThere }) => isThere)
        onProgress({
          header,
          counts,
          workers: there.length,
          cores: there.reduce((sum, { cores }) => sum + cores, 0),
          perSecond: ((decided - first) * 1000) / Math.max(1, performance.now() - begun),
        })
      }
      if (decided >= header.of) {
        const { documents, lies } = await insist(() => gather(store, work, header), signal)
        const aside = await insist(() => store.aside(id), signal)
        if (lies.length === 0 && documents.length + aside.length >= header.of) {
          await insist(() => store.setState(id, 'done'), signal)
          return { header, documents, aside }
        }
        await refuseLies(options, header, lies, work)
        await fileMissing(store, header, signal)
        continue
      }
      // A queue that restarted without its last second: what it forgot is filed again.
      idle = counts.waiting + counts.active === 0 ? idle + 1 : 0
      if (idle >= 3) {
        await fileMissing(store, header, signal)
        idle = 0
      }
      await sleep(pollMs, undefined, { signal })
    }
  } finally {
    clearInterval(renewing)
    await Promise.race([store.hold(id, who, 0).catch(() => {}), sleep(500, undefined, { ref: false })])
  }
}
