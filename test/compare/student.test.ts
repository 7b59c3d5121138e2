import { describe, expect, test } from 'vitest'
import { falseDiscovery, student95, studentTail } from '../../lib/compare/student.ts'

describe('studentTail', () => {
  // From printed tables: the t that is passed with a chance of 2.5 % and of 0.05 %.
  test.each([
    [1, 12.706, 636.619],
    [2, 4.3027, 31.599],
    [3, 3.1824, 12.924],
    [8, 2.306, 5.0413],
    [11, 2.201, 4.437],
    [30, 2.0423, 3.646],
  ])('%i degrees of freedom', (freedom, at25, at05) => {
    expect(studentTail(at25, freedom)).toBeCloseTo(0.025, 5)
    expect(studentTail(at05, freedom)).toBeCloseTo(0.0005, 6)
    expect(studentTail(-at25, freedom)).toBeCloseTo(0.975, 5)
    expect(student95(freedom)).toBeCloseTo(at25, 3)
  })

  test('is a half in the middle, and nothing far out', () => {
    expect(studentTail(0, 5)).toBeCloseTo(0.5)
    expect(studentTail(1e9, 9)).toBeCloseTo(0)
    expect(studentTail(Number.POSITIVE_INFINITY, 3)).toBeCloseTo(0)
  })
})

describe('falseDiscovery', () => {
  test('keeps to the steps of Benjamini and Hochberg', () => {
    // Their own example of 15 tests, of which four are findings at 5 %.
    const chances = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
    ]
    expect(falseDiscovery(chances, 0.05).filter(Boolean)).toHaveLength(4)
    expect(falseDiscovery([...chances].reverse(), 0.05).slice(-4)).toEqual([true, true, true, true])
  })

  test('of nothing finds nothing', () => {
    expect(falseDiscovery([], 0.05)).toEqual([])
    expect(falseDiscovery([1, 1, 0.9], 0.05)).toEqual([false, false, false])
  })
})
