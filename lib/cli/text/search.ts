import { count, digits, range } from '../../compare/format.ts'
import type { SearchAsked, SearchCandidate, SearchResult, SearchWithout } from '../../search/types.ts'
import type { Io } from '../io.ts'
import { toJson } from '../json.ts'
import { foreign } from './foreign.ts'
import { table, wrap } from './table.ts'
import { answerText } from '../../search/words.ts'

function askedText({ types, orders, minPins, exact, fuzzyFrom, noGrowth, noLock, maxFlagBits }: SearchAsked): string {
  const demands = [
    minPins > 1 && `${count(minPins)} pins of a page`,
    exact && 'exact',
    fuzzyFrom !== null && `fuzzy from ${fuzzyFrom} references on at the earliest`,
    noGrowth && 'no growth',
    noLock && 'no lock',
    maxFlagBits !== null && `at most ${maxFlagBits} spare ${maxFlagBits === 1 ? 'bit' : 'bits'} of flags`,
  ].filter((demand) => demand !== false)
  const of = `${types.join(', ')}; ${orders.length === 1 ? 'order' : 'orders'} ${orders.join(', ')}`
  return demands.length === 0 ? of : `${of}; ${demands.join(', ')}`
}

function candidatesText(candidates: readonly SearchCandidate[], io: Io): string {
  const rows = candidates.map((each) => [
    `${each.front ? io.colours.green('*') : ' '} ${each.definition.name}`,
    each.place,
    count(each.maxPins),
    answerText(each),
    each.locks === '' ? 'none' : each.locks,
    `${each.bytesPerPage} B`,
    each.cost?.hot ? range(each.cost.hot) : '-',
    each.cost?.cold ? digits(each.cost.cold.median) : '-',
  ])
  const columns = [
    { head: '  candidate' },
    { head: 'place' },
    { head: 'pins', align: 'right' },
    { head: 'answer' },
    { head: 'locks' },
    { head: 'a page', align: 'right' },
    { head: 'hot ns', align: 'right' },
    { head: 'cold ns', align: 'right' },
  ] as const
  return table(columns, rows, { columns: io.columns })
}

/** A paragraph whose lines after the first are indented. */
const hanging = (text: string, { columns }: Io): string => wrap(foreign(text), columns - 2).replaceAll('\n', '\n  ')

const whyNotText = ({ excluded }: SearchResult, io: Io): string[] =>
  excluded.map(({ place, because }) => hanging(`${place}: ${because}`, io))

/** What each demand costs; those that cost nothing together. */
function withoutText(without: readonly SearchWithout[], io: Io): string[] {
  const idle = without.filter(({ remains }) => remains.length === 0).map(({ demand }) => demand)
  const lines = without
    .filter(({ remains }) => remains.length > 0)
    .map(({ demand, remains }) => {
      const what = remains.map(({ place, exact }) => `${place}${exact ? '' : ' (not exact)'}`)
      return hanging(`without ${demand}: ${[...new Set(what)].join('; ')}`, io)
    })
  return idle.length === 0 ? lines : [...lines, hanging(`without ${idle.join(', or ')}: nothing more`, io)]
}

function proofText({ candidates, complete }: SearchResult): string {
  const sum = (of: 'raceOps' | 'schedules' | 'probed'): number =>
    candidates.reduce((all, { proof }) => all + proof[of], 0)
  const done = `probed on memory in ${sum('probed')} cells, raced with ${sum('raceOps')} operations, explored in ${sum('schedules')} schedules`
  return complete ? done : `${done}; stopped before the end`
}

/** The answer as a terminal, or a mail, shows it. */
export function searchText(result: SearchResult, io: Io): string {
  const { layout, asked, candidates, excluded, without, findings } = result
  const { bold, red } = io.colours
  const inside = candidates.filter(({ where }) => where === 'inside').length
  const lines = [
    bold(foreign(layout)),
    wrap(askedText(asked), io.columns),
    ...asked.notes.map((note) => wrap(note, io.columns)),
    '',
    wrap(
      candidates.length === 0
        ? 'No place meets all of it.'
        : inside === 0
          ? 'Nothing inside the descriptor meets all of it; beside it:'
          : `${inside} of ${candidates.length} candidates are inside the descriptor; * is the front.`,
      io.columns,
    ),
  ]
  if (candidates.length > 0) lines.push('', candidatesText(candidates, io), '', wrap(proofText(result), io.columns))
  if (findings.length > 0)
    lines.push('', red('found, and not offered:'), ...findings.map((each) => wrap(foreign(each), io.columns)))
  lines.push('', `${excluded.length} places and ways are left out:`, ...whyNotText(result, io))
  if (without.length > 0) lines.push('', ...withoutText(without, io))
  const front = candidates.filter((each) => each.front && each.layout === null)
  const told = candidates.filter((each) => each.front && each.layout !== null).map(({ definition }) => definition.name)
  if (front.length > 0)
    lines.push(
      '',
      'The front, for --scheme-file (all of them: --json):',
      JSON.stringify(
        front.map(({ definition }) => JSON.parse(toJson(definition))),
        null,
        2,
      ),
    )
  if (told.length > 0)
    lines.push(
      '',
      hanging(`${told.join(', ')}: with a layout that names the place, which --json has beside the definition`, io),
    )
  return `${lines.join('\n')}\n`
}
