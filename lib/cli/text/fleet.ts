import type { RunProgress } from '../../fleet/coordinate.ts'
import type { Damaged, Grouped, RunReport, RunSummary } from '../../fleet/summary.ts'
import type { SeenWorker } from '../../fleet/workers.ts'
import { endingText } from '../../fleet/endings.ts'
import type { Io } from '../io.ts'
import { foreign } from './foreign.ts'
import { table, wrap } from './table.ts'

// All of it comes from a queue: nothing is printed that a terminal would obey.

const number = (value: number): string => value.toLocaleString('en')

/** `3 d 4 h`, `12 min`, `8 s`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-'
  if (seconds < 100) return `${Math.ceil(seconds)} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`
  return `${(seconds / 86_400).toFixed(1)} d`
}

const rate = (perSecond: number): string => (perSecond >= 100 ? number(Math.round(perSecond)) : perSecond.toFixed(2))

/** How far a run is, on one line; a bar says by itself what is left. */
export function progressText({ header, counts, workers, cores, perSecond }: RunProgress, isBar = false): string {
  const decided = counts.done + counts.aside
  const parts = [
    `${number(decided)} of ${number(header.of)} shards`,
    workers === 0
      ? 'no worker is there'
      : `${cores} core${cores === 1 ? '' : 's'} of ${workers} worker${workers === 1 ? '' : 's'}`,
    `${rate(perSecond)}/s`,
    ...(!isBar && perSecond > 0 && decided < header.of ? [`${duration((header.of - decided) / perSecond)} left`] : []),
    `${number(counts.findings)} findings`,
    ...(counts.aside > 0 ? [`${number(counts.aside)} set aside`] : []),
  ]
  return parts.join(', ')
}

function leftOf({ state, counts, header, seconds }: RunSummary): string {
  const decided = counts.done + counts.aside
  if (state === 'done' || state === 'cancelled' || decided === 0) return '-'
  return duration(((header.of - decided) / decided) * seconds)
}

const right = (head: string): { head: string; align: 'right' } => ({ head, align: 'right' })

export function runsText(runs: readonly (RunSummary | Damaged)[], io: Io): string {
  if (runs.length === 0) return 'no runs\n'
  const rows = runs.map((run) => {
    if ('why' in run) return [foreign(run.id), 'damaged', '', '', '', '', '', foreign(run.why)]
    const { header, state, counts, seconds } = run
    return [
      header.id,
      state,
      `${number(counts.done + counts.aside)} of ${number(header.of)}`,
      number(counts.active),
      rate((counts.done + counts.aside) / Math.max(1, seconds)),
      leftOf(run),
      `${number(counts.findings)}${counts.aside > 0 ? ` + ${number(counts.aside)}` : ''}`,
      foreign(header.command),
    ]
  })
  const heads = [
    { head: 'run' },
    { head: 'state' },
    ...['shards', 'now', '1/s', 'left', 'found'].map(right),
    { head: 'command' },
  ]
  return `${table(heads, rows, { columns: Math.min(io.columns, 120) })}\n`
}

export function workersText(workers: readonly SeenWorker[], io: Io): string {
  if (workers.length === 0) return 'no workers\n'
  const rows = workers.map(({ id, cores, doing, done, by, isThere }) => [
    foreign(id),
    isThere ? number(cores) : 'away',
    number(done),
    doing.map(({ run, shard }) => `${foreign(run)} ${shard}`).join(', ') || '-',
    foreign(Object.values(by).join(' ')),
  ])
  const heads = [{ head: 'worker' }, right('cores'), right('done'), { head: 'doing' }, { head: 'pagebox' }]
  return `${table(heads, rows, { columns: Math.min(io.columns, 120) })}\n`
}

export function findingsText(findings: readonly Grouped[], io: Io): string {
  return findings
    .map(({ text, repeat, shards }) => {
      const many = shards > 1 ? ` (in ${number(shards)} shards)` : ''
      const head = wrap(`${foreign(text)}${many}`, io.columns)
      return repeat === undefined ? head : `${head}\n  to repeat it: ${foreign(repeat)}`
    })
    .join('\n')
}

/** A run and what it found, for people; `result` is what the command itself would print. */
export function reportText({ summary, findings, aside, merged, refused }: RunReport, result: string, io: Io): string {
  const { header, state, counts, seconds, refusals, coordinator } = summary
  const lines = [
    io.colours.bold(`run ${header.id}: ${foreign(header.command)}`),
    `${state}, ${number(counts.done)} of ${number(header.of)} shards done in ${duration(seconds)}, ${duration(merged.seconds)} of work` +
      `${counts.aside > 0 ? `, ${number(counts.aside)} set aside` : ''}${counts.active > 0 ? `, ${number(counts.active)} now` : ''}`,
    ...(coordinator === null ? [] : [`coordinator: ${foreign(coordinator)}`]),
    ...Object.entries(refusals).map(([worker, why]) =>
      wrap(`${foreign(worker)} does not do it: ${foreign(why)}`, io.columns),
    ),
    ...refused.map((why) => wrap(`refused: ${foreign(why)}`, io.columns)),
    ...(result === '' ? [] : ['', result.trimEnd()]),
    '',
    findings.length === 0 ? 'nothing was found' : findingsText(findings, io),
  ]
  for (const { shard, losses } of aside)
    lines.push(
      `shard ${shard}: ${losses.map(({ worker, ending }) => `${foreign(endingText(ending))} on ${foreign(worker)}`).join('; ')}`,
    )
  return `${lines.join('\n')}\n`
}
