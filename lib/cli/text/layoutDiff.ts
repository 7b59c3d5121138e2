import type { FieldDifference, FieldPlace, LayoutDifference } from '../../page/layoutDiff.ts'
import { inColumnOrder } from '../../report/pageTypes.ts'
import type { Io } from '../io.ts'
import { table, wrap } from './table.ts'

function placeText(place: FieldPlace | null): string {
  if (place === null) return '-'
  const { offsetBytes, shift, bits, contested } = place
  const whole = shift === 0 && bits % 8 === 0
  const where = whole
    ? `byte ${offsetBytes}, ${bits / 8} ${bits === 8 ? 'byte' : 'bytes'}`
    : `byte ${offsetBytes}, ${bits === 1 ? `bit ${shift}` : `bits ${shift}-${shift + bits - 1}`}`
  return contested ? `${where} (contested)` : where
}

function markOf({ before, after }: { before: unknown; after: unknown }, io: Io): string {
  if (before === null) return io.colours.green('+')
  return after === null ? io.colours.red('-') : io.colours.yellow('~')
}

const rowOf = (difference: FieldDifference, io: Io): string[] => [
  markOf(difference, io),
  difference.field,
  placeText(difference.before),
  placeText(difference.after),
]

/** Two layouts side by side: only what is not the same. */
export function layoutDiffText(found: LayoutDifference, io: Io): string {
  const { before, after, facts, flags, typesGone, typesNew, types } = found
  const parts: string[] = [`${io.colours.bold(before)} → ${io.colours.bold(after)}`]
  const long = before.length > 26 || after.length > 26
  const sides = long
    ? ([{ head: 'before' }, { head: 'after' }] as const)
    : ([{ head: before }, { head: after }] as const)
  const width = Math.max(16, Math.floor((io.columns - 34) / 2))
  const marks = new Set<string>()
  const mark = (difference: { before: unknown; after: unknown }): string => {
    marks.add(difference.before === null ? '+' : difference.after === null ? '-' : '~')
    return markOf(difference, io)
  }
  if (facts.length > 0)
    parts.push(
      table(
        [{ head: 'fact' }, ...sides],
        facts.map((each) => [each.fact, wrap(each.before, width), wrap(each.after, width)]),
      ),
    )
  if (flags.length > 0)
    parts.push(
      table(
        [{ head: '' }, { head: 'bit of flags' }, ...sides],
        flags.map((each) => [mark(each), each.name, each.before ?? '-', each.after ?? '-']),
      ),
    )
  if (typesGone.length > 0) parts.push(wrap(`page types gone: ${inColumnOrder(typesGone).join(', ')}`, io.columns))
  if (typesNew.length > 0)
    parts.push(wrap(`page types that are new: ${inColumnOrder(typesNew).join(', ')}`, io.columns))
  for (const group of types) {
    for (const each of group.fields) mark(each)
    parts.push(
      `${wrap(io.colours.bold(inColumnOrder(group.types).join(', ')), io.columns)}\n${table(
        [{ head: '' }, { head: 'field' }, ...sides],
        group.fields.map((each) => rowOf(each, io)),
      )}`,
    )
  }
  if (parts.length === 1) parts.push('no difference')
  const legend = [
    ...(marks.has('+') ? [`+ only in ${long ? 'the second' : after}`] : []),
    ...(marks.has('-') ? [`- only in ${long ? 'the first' : before}`] : []),
    ...(marks.has('~') ? ['~ moved, or of another width'] : []),
  ]
  if (legend.length > 0) parts.push(io.colours.dim(legend.join('   ')))
  return `${parts.join('\n\n')}\n`
}
