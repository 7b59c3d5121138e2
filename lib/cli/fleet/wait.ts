import { coordinate, type RunOutcome, type RunProgress } from '../../fleet/coordinate.ts'
import type { Store } from '../../fleet/store.ts'
import { grouped } from '../../fleet/summary.ts'
import type { FindingRecord } from '../../fleet/records.ts'
import { shardWork } from '../../fleet/shardWork.ts'
import type { Io } from '../io.ts'
import { type Progress, progressBar } from '../progress.ts'
import { foreignLines } from '../text/foreign.ts'
import { progressText } from '../text/fleet.ts'
import { teller } from './options.ts'

/** Of what is no terminal: a line a minute. */
const lineEveryMs = 60_000

/** A bar's milliseconds: what is left by the rate so far. */
function onBar(bar: Progress, progress: RunProgress): void {
  const { header, counts, perSecond } = progress
  const decided = counts.done + counts.aside
  const leftMs = perSecond > 0 ? ((header.of - decided) / perSecond) * 1000 : 0
  const share = Math.min(1, decided / header.of)
  const total = share < 1 && leftMs > 0 ? leftMs / (1 - share) : 1
  bar.update(leftMs > 0 ? total - leftMs : share, total, progressText(progress, true))
}

/** Waits for a run, shows how far it is, and tells each finding once, as it comes. */
export async function waitFor(store: Store, id: string, io: Io, waitForLease: boolean): Promise<RunOutcome> {
  const bar = progressBar(io)
  const say = teller(io, bar.aside)
  const told = new Set<string>()
  let lastLine = performance.now()
  const onFinding = (finding: FindingRecord): void => {
    const [one] = grouped([finding])
    if (one === undefined || told.has(one.signature)) return
    told.add(one.signature)
    const repeat = one.repeat === undefined ? '' : `\n  ${one.repeat}`
    bar.aside(() => io.err(`${foreignLines(`found in shard ${finding.shard}: ${one.text}${repeat}`)}\n`))
  }
  try {
    return await coordinate({
      store,
      work: shardWork,
      id,
      signal: io.signal,
      say,
      waitForLease,
      onFinding,
      onFiled: (filed, of) => bar.update(filed, of, `filing, ${filed.toLocaleString('en')} shards`),
      onProgress: (progress) => {
        onBar(bar, progress)
        if (io.interactive || performance.now() - lastLine < lineEveryMs) return
        lastLine = performance.now()
        say(progressText(progress))
      },
    })
  } finally {
    bar.stop()
  }
}
