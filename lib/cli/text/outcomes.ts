import { isDeepStrictEqual } from 'node:util'
import type { OutcomeMismatch } from '../../engine/recording/outcomes.ts'
import type { OutcomeResult } from '../../engine/recording/types.ts'
import type { OutcomesReport } from '../../engine/recording/outcomesReport.ts'
import type { Io } from '../io.ts'
import { foreign } from './foreign.ts'
import { table } from './table.ts'

const counts = (of: Readonly<Record<string, number>>): string =>
  Object.entries(of)
    .map(([name, count]) => `${foreign(name)} (${count})`)
    .join(', ')

/** How concurrent recordings compare. */
export function outcomesText(report: OutcomesReport, { columns }: Io): string {
  const { scenarios, complete, bounded, sampled } = report
  const rows = [
    ['seen by the kernel', report.seen],
    ['explored too', report.explained - report.oneCpu],
    ['by threads in order on one processor', report.oneCpu],
    ['missing', report.missing],
    ['of those, for want of a rule', report.waiting],
    ['unsupported', report.unsupported],
    ['of whole threads in order, missing', report.serialMissing],
    ['explored, and not seen (no fault)', report.extra],
  ].map((row) => row.map(String))
  const lines = [
    `${scenarios} concurrent scenarios: ${complete} explored completely, ${bounded} by preemptions, ${sampled} sampled; ` +
      `${report.schedules} schedules.`,
    '',
    table([{ head: '' }, { head: 'outcomes', align: 'right' }], rows, { columns }),
  ]
  if (report.setupDiffers > 0) lines.push('', `Setup gives other results: ${report.setupDiffers} scenarios`)
  if (Object.keys(report.unsupportedOps).length > 0) lines.push('', `Not here yet: ${counts(report.unsupportedOps)}`)
  if (Object.keys(report.bad).length > 0) lines.push('', `Schedules that were not clean: ${counts(report.bad)}`)
  if (report.waiting > 0) lines.push('', `Rules that missing outcomes take: ${counts(report.needs)}`)
  for (const [rules, count] of Object.entries(report.rules)) {
    const [kernel, ...absent] = rules.split('~')
    const missing = absent.length === 0 ? '' : `; not here yet, the older behaviour holds: ${absent.join(', ')}`
    lines.push('', `Rules of ${foreign(kernel ?? '')}, ${count} scenarios${foreign(missing)}`)
  }
  return `${lines.join('\n')}\n`
}

/** An outcome that is missing, against the nearest one that was explored. */
export function outcomeMismatchText(mismatch: OutcomeMismatch, { colours }: Io): string {
  const { scenario, what, serial, count, expected, nearest, token, needs } = mismatch
  const whose =
    what === 'seen'
      ? `outcome of ${count} runs${serial.length > 0 ? `, and of the order ${serial.join(', ')}` : ''} is not explored`
      : what === 'serial'
        ? `outcome of the order ${serial.join(', ')} is not explored`
        : 'the setup gives other results'
  const why = needs.length === 0 ? '' : `: it takes ${needs.join(' and ')}, not here yet`
  const lines = ['', colours.bold(foreign(`${scenario}: ${whose}${why}`))]
  for (const [name, theirs, ours] of pairs(expected, nearest)) {
    if (isDeepStrictEqual(theirs, ours)) lines.push(foreign(`  ${name} ${JSON.stringify(theirs)}`))
    else {
      lines.push(colours.red(foreign(`- ${name} ${JSON.stringify(theirs)}`)))
      if (nearest !== null) lines.push(colours.green(foreign(`+ ${name} ${JSON.stringify(ours ?? null)}`)))
    }
  }
  if (token !== null) lines.push(`  nearest: pagebox replay ${token}`)
  return `${lines.join('\n')}\n`
}

function pairs(
  expected: OutcomeResult,
  nearest: OutcomeResult | null,
): [name: string, theirs: unknown, ours: unknown][] {
  const threads = expected.threads.flatMap((each, t) =>
    each.map((result, i): [string, unknown, unknown] => [`${t}.${i}`, result, nearest?.threads[t]?.[i]]),
  )
  const after = expected.after.map((result, i): [string, unknown, unknown] => [`after ${i}`, result, nearest?.after[i]])
  return [...threads, ...after]
}
