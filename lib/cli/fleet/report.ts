import { type RunReport, reportOf } from '../../fleet/summary.ts'
import type { Store } from '../../fleet/store.ts'
import type { Context } from '../commands/context.ts'
import { exitCodes } from '../exit.ts'
import type { Io } from '../io.ts'
import { toJson } from '../json.ts'
import { Output } from '../output.ts'
import { reportText } from '../text/fleet.ts'
import { reportDocument } from './document.ts'
import { type QueueOptions, teller, withQueue } from './options.ts'

export interface ReportOptions {
  html?: string
  json?: boolean
}

/** What a run has, as text, JSON or a page. */
export async function printReport(store: Store, id: string, options: ReportOptions, io: Io): Promise<RunReport> {
  const html = options.html === undefined ? undefined : new Output(options.html)
  try {
    const { shardWork } = await import('../../fleet/shardWork.ts')
    const { resultText } = await import('./result.ts')
    const report = await store.connection.patience.insist(() => reportOf(store, shardWork, id), io.signal)
    io.out(
      options.json === true
        ? `${toJson(reportDocument(report))}\n`
        : reportText(report, await resultText(report, io), io),
    )
    if (html !== undefined) {
      const { fleetPage } = await import('../../report/fleet.ts')
      html.write(fleetPage(reportDocument(report)))
      html.commit()
    }
    return report
  } finally {
    html?.discard()
  }
}

export async function fleetReport(
  id: string,
  options: QueueOptions & ReportOptions,
  { io, exit }: Context,
): Promise<void> {
  await withQueue(options, io, teller(io), async (store) => {
    const { findings } = await printReport(store, id, options, io)
    if (findings.length > 0) exit(exitCodes.finding)
  })
}
