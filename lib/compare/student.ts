import { bisect } from './library.ts'

/**
 * The chance that Student's t with `freedom` degrees lies above `t`. Degrees are rounded down to a whole number, for
 * which the distribution is a finite sum; that is the careful side.
 */
export function studentTail(t: number, freedom: number): number {
  if (Number.isNaN(t)) return 1
  if (t < 0) return 1 - studentTail(-t, freedom)
  const degrees = Math.max(1, Math.min(1000, Math.floor(freedom)))
  const angle = Math.atan(t / Math.sqrt(degrees))
  const cosine = Math.cos(angle)
  const odd = degrees % 2 === 1
  let term = odd ? cosine : 1
  let sum = degrees === 1 ? 0 : term
  for (let at = odd ? 3 : 2; at <= degrees - 2; at += 2) {
    term *= ((at - 1) / at) * cosine * cosine
    sum += term
  }
  const within = odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum
  return Math.max(0, (1 - within) / 2)
}

/** The t that 95 % of the distribution lie within, on both sides. */
export function student95(freedom: number): number {
  return bisect((t) => studentTail(t, freedom) - 0.025, 1.9, 13, 60, 1e-9)
}

/**
 * Which of many tests may be called findings, if at most the share `rate` of the findings are to be false
 * (Benjamini and Hochberg).
 */
export function falseDiscovery(chances: readonly number[], rate: number): boolean[] {
  const order = chances.map((_, at) => at).sort((a, b) => (chances[a] as number) - (chances[b] as number))
  let last = -1
  for (const [rank, at] of order.entries())
    if ((chances[at] as number) <= (rate * (rank + 1)) / chances.length) last = rank
  const found = new Array<boolean>(chances.length).fill(false)
  for (const at of order.slice(0, last + 1)) found[at] = true
  return found
}
