import type { Subject } from './subject.ts'

/** A third of a millisecond, and the best of so many: what interrupts one does not interrupt all. */
const additions = 2 ** 20
const tries = 9

/**
 * Nanoseconds of an addition, of many that wait for each other: a cycle, so the inverse of the clock. Null where the
 * subject has no such loop.
 */
export function nsPerAddition(subject: Subject): number | null {
  const sampler = subject.prepareCost({ scheme: 'refcount', pages: 1, pattern: 'hot', loop: 'none' })
  try {
    let best = Number.POSITIVE_INFINITY
    for (let at = 0; at < tries; at++) {
      const { ns, ops } = sampler.sample(additions)
      best = Math.min(best, ns / ops)
    }
    return Number.isFinite(best) && best > 0 ? best : null
  } finally {
    sampler.close()
  }
}
