import { type Interval, overlap } from '../compare/interval.ts'

/** What candidates are held against each other by. */
export interface Ranked {
  readonly cost: { readonly hot: Interval | null } | null
  readonly fuzzyFrom: number | null
  readonly maxPins: number
  readonly bytesPerPage: number
  readonly flagBits: number
  readonly locks: string
}

/** Below 0: `a` is better. Costs whose intervals overlap are the same. */
function costs(a: Ranked, b: Ranked): number {
  const [one, other] = [a.cost?.hot, b.cost?.hot]
  if (!one || !other || overlap(one, other)) return 0
  return one.median - other.median
}

const exactness = ({ fuzzyFrom }: Ranked): number => fuzzyFrom ?? Number.POSITIVE_INFINITY
const difference = (a: number, b: number): number => (a === b ? 0 : a - b)

const comparisons: readonly ((a: Ranked, b: Ranked) => number)[] = [
  (a, b) => difference(exactness(b), exactness(a)),
  costs,
  (a, b) => a.bytesPerPage - b.bytesPerPage,
  (a, b) => Number(a.locks !== '') - Number(b.locks !== ''),
  (a, b) => b.maxPins - a.maxPins,
  (a, b) => a.flagBits - b.flagBits,
]

/** Better in one thing and worse in none. */
export function dominates(a: Ranked, b: Ranked): boolean {
  const found = comparisons.map((compare) => compare(a, b))
  return found.every((each) => each <= 0) && found.some((each) => each < 0)
}

/** The front first; within it and behind it what is exact, then what costs less. */
export function ranked<Each extends Ranked>(all: readonly Each[]): (Each & { front: boolean })[] {
  const cost = ({ cost }: Ranked): number => cost?.hot?.median ?? Number.POSITIVE_INFINITY
  return all
    .map((each) => ({ ...each, front: !all.some((other) => other !== each && dominates(other, each)) }))
    .sort(
      (a, b) =>
        Number(b.front) - Number(a.front) ||
        difference(exactness(b), exactness(a)) ||
        difference(cost(a), cost(b)) ||
        difference(b.maxPins, a.maxPins),
    )
}
