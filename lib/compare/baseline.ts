import { mad, median, quantile } from './library.ts'
import { meanOf, moderated, pooled, ratioUnits, type Spread, spreadOf, unitsOf } from './blocks.ts'
import type { CompareDocument, CostRow, Machine } from './document.ts'
import type { Interval } from './interval.ts'
import { sameSituation } from './situation.ts'
import { quotient } from './statistics.ts'
import { falseDiscovery, student95, studentTail } from './student.ts'

/** One cost then and now. */
export interface Difference {
  scheme: string
  /** With the ledger of who pinned what. */
  ledger: boolean
  row: CostRow
  before: CostRow
  /** ns now divided by ns before: what a reader of the two documents sees, the machine's moods included. */
  times: Interval
  /** Ratio of ratios: each cost over the hand-written loop of its own rounds, now over before. This is judged. */
  ratio: Interval
  /** The chance of a difference as large if there was none beyond the smallest that counts. */
  chance: number
  verdict: 'slower' | 'faster' | 'same'
}

export interface RoomChange {
  scheme: string
  layout: string
  pageType: string
  order: number
  before: string
  now: string
}

export interface BaselineReport {
  /** Facts that differ; times are then not comparable, ratios hardly. */
  machineDiffers: { fact: string; before: string; now: string }[]
  differences: Difference[]
  roomChanges: RoomChange[]
  /** Schemes that only one of the two documents has. */
  onlyBefore: string[]
  onlyNow: string[]
  /** Costs that both have, but held against different loops. */
  notComparable: number
  /** What the verdicts mean. */
  smallestEffect: number
  falseDiscoveryRate: number
  /** What the baseline lacks; empty if nothing. */
  warnings: string[]
  /** Something that was, is worse now: exit status 1. */
  worse: boolean
}

export interface BaselineOptions {
  /** Changes up to this share count as none. */
  smallestEffect?: number
}

const machineFacts: (keyof Machine)[] = ['cpu', 'cores', 'lastLevelCacheBytes', 'memoryBytes', 'kernel', 'arch', 'node']

/** Without these the same, a cost that differs says nothing of pagebox. */
const decisive: ReadonlySet<string> = new Set(['cpu', 'cores', 'arch'])

/** Where a code's address alone makes as much. */
export const smallestEffect = 0.05

/** The share of false ones that is accepted among the changes that are reported. */
const falseDiscoveryRate = 0.02

/** A cost relative to its loop, in one document: logarithms, one a block. */
interface Estimate {
  centre: number
  units: number[]
  spread: Spread
}

/** 95 % of a normal distribution. */
const normal95 = 1.96

function estimate(row: CostRow): Estimate {
  const { samples, blocks, reference, nsPerOp } = row
  if (samples === undefined || blocks === undefined) {
    // A document of version 1 has intervals only, of one block and without its loop's rounds.
    const { median: centre, low, high } = nsPerOp
    const deviation = low > 0 ? Math.log(high / low) / (2 * normal95) : 0
    return { centre: Math.log(centre), units: [Math.log(centre)], spread: { variance: deviation ** 2, freedom: 4 } }
  }
  const units =
    reference === undefined ? unitsOf({ samples, blocks }) : ratioUnits({ samples, blocks }, reference.samples)
  // What the document gives as its cost counts; the samples, of which it is the median, say how it varies.
  const stated = Math.log(nsPerOp.median / median(samples))
  return { centre: meanOf(units) + stated, units, spread: spreadOf(units) }
}

interface Uncertainty {
  /** Standard error of a difference of logarithms. */
  error: number
  freedom: number
  /** Whether it says what two processes differ by, or only blocks. */
  betweenProcesses: boolean
}

interface Pair {
  scheme: string
  ledger: boolean
  row: CostRow
  before: CostRow
  now: Estimate
  past: Estimate
}

const situationOf = ({ row, ledger }: Pair): string =>
  [row.layout, row.pageType, row.order, row.pattern, row.workingSetBytes, row.threads, row.op, ledger].join(' ')

/** From so many schemes on, their differences show what two runs differ in without any change. */
const enoughSchemes = 6

/** The standard error of each difference of one situation, and its degrees of freedom. */
function errorsOf(pairs: readonly Pair[]): Uncertainty[] {
  const common = pooled(pairs.flatMap(({ now, past }) => [now.spread, past.spread]))
  const within = pairs.map(({ now, past }) => {
    const own = pooled([now.spread, past.spread])
    const { variance, freedom } = moderated(own, common)
    return {
      error: Math.sqrt(variance / now.units.length + variance / past.units.length),
      freedom,
      betweenProcesses: false,
    }
  })
  if (pairs.length < enoughSchemes) return within
  // Two processes differ by more than blocks within one. Most schemes have not changed: how their differences scatter
  // is what is left between processes.
  const scatter = 1.4826 * mad(pairs.map(({ now, past }) => now.centre - past.centre))
  return within.map(({ error, freedom }) => ({
    error: Math.max(error, scatter),
    freedom: error >= scatter ? freedom : pairs.length - 1,
    betweenProcesses: true,
  }))
}

/** What a quarter of a normal distribution lies within, in standard deviations. */
const quarter = 0.3186

/** Beyond this, a process that differs from another so much more than its blocks differ is taken for a change. */
const mostWidening = 3

/** Differences that it takes to see how all of them scatter. */
const enoughDifferences = 6

/**
 * How much wider differences scatter than the blocks let expect. Judged by the quarter that differs least, so that it
 * holds although many of them are real.
 */
function wideningOf(deviations: readonly number[]): number {
  const finite = deviations.filter(Number.isFinite)
  if (finite.length < enoughDifferences) return 1
  return Math.min(mostWidening, Math.max(1, quantile(finite, 0.25) / quarter))
}

/**
 * What the ratio of a process is off by for all its schemes alike, which neither blocks nor the scatter show: nine
 * runs of one build on a machine that was busy and then quiet differed by so much. A loop of another operation
 * reacts to caches and clocks in its own way.
 */
const processes = { ownLoop: 0.01, otherLoop: 0.03 } as const

const hasOwnLoop = ({ scheme, ledger, row }: Pair): boolean =>
  !ledger && row.reference?.scheme === scheme && row.reference.op === row.op

const atSameLoop = (a: CostRow, b: CostRow): boolean =>
  a.reference?.scheme === b.reference?.scheme && a.reference?.op === b.reference?.op

function pairsOf(before: CompareDocument, now: CompareDocument): { pairs: Pair[]; notComparable: number } {
  const pairs: Pair[] = []
  let notComparable = 0
  for (const scheme of now.schemes) {
    const old = before.schemes.find((each) => each.name === scheme.name)
    if (old === undefined) continue
    for (const ledger of [false, true]) {
      const olds = ledger ? old.ledger : old.cost
      for (const row of ledger ? scheme.ledger : scheme.cost) {
        const match = olds.find((each) => each.op === row.op && each.layout === row.layout && sameSituation(each, row))
        if (match === undefined) continue
        const older = match.samples === undefined || row.samples === undefined
        if (!older && !atSameLoop(row, match)) {
          notComparable++
          continue
        }
        // Both by their times alone, if one of them has no loop beside it.
        const plain = (of: CostRow): CostRow => (older ? { ...of, samples: undefined } : of)
        pairs.push({
          scheme: scheme.name,
          ledger,
          row,
          before: match,
          now: estimate(plain(row)),
          past: estimate(plain(match)),
        })
      }
    }
  }
  return { pairs, notComparable }
}

function judge(pairs: readonly Pair[], smallest: number): Difference[] {
  const groups = new Map<string, Pair[]>()
  for (const pair of pairs) groups.set(situationOf(pair), [...(groups.get(situationOf(pair)) ?? []), pair])
  const margin = Math.log1p(smallest)
  const known = [...groups.values()].flatMap((group) => {
    const errors = errorsOf(group)
    return group.map((pair, i) => ({
      pair,
      change: pair.now.centre - pair.past.centre,
      ...(errors[i] as Uncertainty),
    }))
  })
  const apart = (pair: Pair): number => Math.SQRT2 * (hasOwnLoop(pair) ? processes.ownLoop : processes.otherLoop)
  const widening = wideningOf(known.map(({ change, error }) => Math.abs(change) / error))
  const found = known.map(({ pair, change, error: within, freedom, betweenProcesses }) => {
    const error = Math.hypot(betweenProcesses ? within : within * widening, apart(pair))
    const beyond = Math.abs(change) - margin
    const half = freedom === 0 ? Number.POSITIVE_INFINITY : student95(freedom) * error
    // One block on either side: nothing is known of how it varies.
    const chance =
      freedom === 0 || beyond <= 0 ? 1 : error === 0 ? 0 : Math.min(1, 2 * studentTail(beyond / error, freedom))
    return { pair, change, half, chance }
  })
  const real = falseDiscovery(
    found.map(({ chance }) => chance),
    falseDiscoveryRate,
  )
  return found.map(({ pair: { scheme, ledger, row, before }, change, half, chance }, i) => ({
    scheme,
    ledger,
    row,
    before,
    times: quotient(row.nsPerOp, before.nsPerOp),
    ratio: { median: Math.exp(change), low: Math.exp(change - half), high: Math.exp(change + half) },
    chance,
    verdict: real[i] !== true ? 'same' : change > 0 ? 'slower' : 'faster',
  }))
}

function roomChangesOf(before: CompareDocument, now: CompareDocument): RoomChange[] {
  const changes: RoomChange[] = []
  for (const scheme of now.schemes) {
    const old = before.schemes.find((each) => each.name === scheme.name)
    for (const { layout, pageType, order, cell } of scheme.room) {
      const match = old?.room.find(
        (each) => each.layout === layout && each.pageType === pageType && each.order === order,
      )
      if (match === undefined || match.cell === cell) continue
      const at = { scheme: scheme.name, layout, pageType, order }
      changes.push({ ...at, before: match.cell, now: cell })
    }
  }
  return changes
}

function warningsOf(before: CompareDocument): string[] {
  const warnings: string[] = []
  if (before.documentVersion < 2)
    warnings.push(
      `The baseline is a document of version ${before.documentVersion}, which has no samples: its costs are compared by their intervals alone, and whatever slowed the machine counts as a change. Measure it again with this version.`,
    )
  if (!before.complete) warnings.push('The baseline was interrupted: what it lacks is not compared.')
  return warnings
}

/**
 * What changed between two documents. Rows that only one has are left out.
 *
 * A cost is held against the hand-written loop of its own rounds, so that a slower hour or machine falls out. It
 * varies as its blocks vary, and as the differences of all schemes in its situation scatter; a change is reported if it
 * is beyond the smallest that counts, and the share of false ones among all that are reported is kept at 2 %.
 */
export function compareWithBaseline(
  before: CompareDocument,
  now: CompareDocument,
  options: BaselineOptions = {},
): BaselineReport {
  const smallest = options.smallestEffect ?? smallestEffect
  const { pairs, notComparable } = pairsOf(before, now)
  const differences = judge(pairs, smallest)
  const roomChanges = roomChangesOf(before, now)
  const machineDiffers = machineFacts
    .filter((fact) => before.machine[fact] !== now.machine[fact])
    .map((fact) => ({ fact, before: String(before.machine[fact]), now: String(now.machine[fact]) }))
  const otherMachine = machineDiffers.some(({ fact }) => decisive.has(fact))
  const names = (document: CompareDocument): string[] => document.schemes.map((scheme) => scheme.name)
  return {
    machineDiffers,
    differences,
    roomChanges,
    onlyBefore: names(before).filter((name) => !names(now).includes(name)),
    onlyNow: names(now).filter((name) => !names(before).includes(name)),
    notComparable,
    smallestEffect: smallest,
    falseDiscoveryRate,
    warnings: warningsOf(before),
    worse:
      roomChanges.some((change) => change.before === 'fits') ||
      (!otherMachine && differences.some(({ verdict }) => verdict === 'slower')),
  }
}

const share = (part: number): string => `${Number((100 * part).toPrecision(2))} %`

/** The comparison in a sentence or two. */
export function baselineSummary({
  differences,
  notComparable,
  smallestEffect: smallest,
  falseDiscoveryRate: rate,
}: BaselineReport): string {
  const of = (verdict: Difference['verdict']): number => differences.filter((each) => each.verdict === verdict).length
  const changed = of('slower') + of('faster')
  const what = changed === 0 ? 'no change' : `${changed} changed: ${of('slower')} slower, ${of('faster')} faster`
  const apart =
    notComparable === 0 ? '' : ` ${notComparable} more stand beside another loop than then and are not compared.`
  return `${differences.length} costs compared, ${what}. Each by its hand-written loop of the same rounds; changes below ${share(smallest)} count as none, and at most ${share(rate)} of the reported ones are chance.${apart}`
}
