import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { medianInterval, quotient, ratioInterval, seededRandom } from '../../lib/compare/statistics.ts'

const times = fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 })

describe('medianInterval', () => {
  test('lies around its median and within the samples', () => {
    fc.assert(
      fc.property(times, fc.nat(), (samples, seed) => {
        const { median, low, high } = medianInterval(samples, seededRandom(seed))
        expect(low).toBeLessThanOrEqual(median)
        expect(high).toBeGreaterThanOrEqual(median)
        expect(low).toBeGreaterThanOrEqual(Math.min(...samples))
        expect(high).toBeLessThanOrEqual(Math.max(...samples))
      }),
    )
  })

  test('is the same again with the same seed', () => {
    const samples = [5, 7, 4, 9, 6, 6, 8]
    expect(medianInterval(samples, seededRandom(3))).toEqual(medianInterval(samples, seededRandom(3)))
  })

  test('covers the true median about as often as it says', () => {
    const random = seededRandom(11)
    let covered = 0
    const trials = 300
    for (let trial = 0; trial < trials; trial++) {
      const samples = Array.from({ length: 21 }, () => random())
      const { low, high } = medianInterval(samples, random)
      if (low <= 0.5 && 0.5 <= high) covered++
    }
    expect(covered / trials).toBeGreaterThan(0.88)
    expect(covered / trials).toBeLessThan(0.995)
  })

  test('refuses to make an estimate out of nothing', () => {
    expect(() => medianInterval([], seededRandom(1))).toThrow(RangeError)
  })
})

describe('ratioInterval', () => {
  test('pairs by round, so that a slow round hits both and cancels out', () => {
    const limit = [10, 40, 11, 90, 10]
    const own = limit.map((ns) => ns * 1.2)
    const { median, low, high } = ratioInterval(own, limit, seededRandom(1))
    expect(median).toBeCloseTo(1.2)
    expect(low).toBeCloseTo(1.2)
    expect(high).toBeCloseTo(1.2)
  })
})

describe('quotient', () => {
  test('is wider than either of its parts', () => {
    const ratio = quotient({ median: 10, low: 9, high: 11 }, { median: 10, low: 9, high: 11 })
    expect(ratio.median).toBe(1)
    expect(ratio.low).toBeLessThan(0.9)
    expect(ratio.high).toBeGreaterThan(1.1)
  })
})
