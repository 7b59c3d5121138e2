import type { RaceResult } from '../raceTypes.ts'
import type { Reached } from '../scenario/scenarioTypes.ts'
import { StressTotal } from './total.ts'

/** A stretch of a run. */
export interface StressPoint {
  /** Since the run began: where it ends. */
  seconds: number
  total: StressTotal
  /** Of the process, when it ended. */
  residentBytes: number
}

/** More of them are taken two by two. Each holds some 200 KB of histograms, and a plot has room for no more. */
export const mostPoints = 100

/** A run over time, in bounded memory: a long one has longer stretches. */
export class StressSeries {
  readonly points: StressPoint[] = []
  #slicesEach = 1
  #seconds = 0

  add(result: RaceResult & { readonly reached?: readonly Reached[] }, residentBytes: number): void {
    this.#seconds += result.seconds
    const last = this.points.at(-1)
    if (last === undefined || last.total.slices >= this.#slicesEach) {
      if (this.points.length === mostPoints) this.#halve()
      const open = this.points.at(-1)
      if (open === undefined || open.total.slices >= this.#slicesEach)
        this.points.push({ seconds: 0, total: new StressTotal(), residentBytes: 0 })
    }
    const point = this.points.at(-1) as StressPoint
    point.total.add(result)
    point.seconds = this.#seconds
    point.residentBytes = residentBytes
  }

  #halve(): void {
    this.#slicesEach *= 2
    const pairs: StressPoint[] = []
    for (let i = 0; i < this.points.length; i += 2) {
      const [first, second] = [this.points[i] as StressPoint, this.points[i + 1]]
      if (second !== undefined) {
        first.total.merge(second.total)
        first.seconds = second.seconds
        first.residentBytes = second.residentBytes
      }
      pairs.push(first)
    }
    this.points.splice(0, this.points.length, ...pairs)
  }
}
