import { answerText } from './answer.ts'
import type { CompareDocument, CostRow, SchemeEntry } from './document.ts'
import { makePlan } from './plan.ts'

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0)

interface Kind {
  readonly layout: string
  readonly pageType: string
  readonly order: number
}

/**
 * Parts of a comparison as one. Rooms and limits say the same on every machine. Costs are of the machine of their
 * part: against its own hand-written loop each holds anywhere, in nanoseconds only where the machines are alike, and
 * `machines` says where they were not.
 */
export function joinedComparisons(parts: readonly CompareDocument[], pageTypes: readonly string[]): CompareDocument {
  const [first] = parts as [CompareDocument]
  const layouts = first.settings.layouts
  const inOrder = (a: Kind, b: Kind): number =>
    layouts.indexOf(a.layout) - layouts.indexOf(b.layout) ||
    pageTypes.indexOf(a.pageType) - pageTypes.indexOf(b.pageType)
  const plan = makePlan(first.settings.effort, first.machine).groups
  const placeOf = (row: CostRow): number =>
    plan.findIndex(
      ({ pageType, order, pattern, workingSetBytes, threads, op }) =>
        pageType === row.pageType &&
        order === row.order &&
        pattern === row.pattern &&
        workingSetBytes === row.workingSetBytes &&
        threads === row.threads &&
        op === row.op,
    )
  const byPlan = <Row extends CostRow>(rows: Row[]): Row[] => rows.sort((a, b) => placeOf(a) - placeOf(b))
  const schemes = first.settings.schemes.map((name): SchemeEntry => {
    const all = parts.flatMap((part) => part.schemes.filter((each) => each.name === name))
    const rows = <Key extends 'room' | 'probe' | 'cost' | 'ledger' | 'boundaries' | 'falsePositivesSeen'>(
      key: Key,
    ): SchemeEntry[Key] => all.flatMap((each) => each[key] as never[]) as SchemeEntry[Key]
    return {
      ...(all[0] as SchemeEntry),
      room: rows('room').sort(inOrder),
      probe: rows('probe').sort(inOrder),
      cost: byPlan(rows('cost')),
      ledger: byPlan(rows('ledger')),
      boundaries: rows('boundaries').sort(inOrder),
      falsePositivesSeen: rows('falsePositivesSeen'),
    }
  })
  const machines = [
    ...new Map(parts.map(({ machine }) => [`${machine.cpu} ${machine.cores} ${machine.arch}`, machine])).values(),
  ]
  const schemeAt = (name: string): number => first.settings.schemes.indexOf(name)
  const merged: CompareDocument = {
    ...first,
    date: parts.map(({ date }) => date).sort()[0] as string,
    complete: parts.every(({ complete }) => complete),
    stoppedBy: parts.some(({ stoppedBy }) => stoppedBy === 'abort') ? 'abort' : 'end',
    elapsedSeconds: sum(parts.map(({ elapsedSeconds }) => elapsedSeconds)),
    ...(machines.length > 1 && { machines }),
    schemes,
    limit: parts
      .flatMap(({ limit }) => limit)
      .sort(
        (a, b) =>
          placeOf(a as unknown as CostRow) - placeOf(b as unknown as CostRow) ||
          schemeAt(a.scheme) - schemeAt(b.scheme),
      ),
    pureJs: parts.flatMap(({ pureJs }) => pureJs),
    disagreements: parts
      .flatMap(({ disagreements }) => disagreements)
      .sort((a, b) => inOrder(a, b) || schemeAt(a.scheme) - schemeAt(b.scheme)),
  }
  const text = answerText(merged)
  const names = machines.map(({ cpu, cores }) => `${cpu} (${cores})`).join(', ')
  return {
    ...merged,
    answer:
      machines.length > 1
        ? `${text} Costs were measured on unlike machines (${names}): compare ratios, not nanoseconds.`
        : text,
  }
}
