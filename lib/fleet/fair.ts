/**
 * Shares the time of one worker among runs: the one that had least of it comes first. A run that comes later begins
 * with what the poorest has, so that it takes its share and does not catch up on what was before it. Where each worker
 * is fair, the fleet is.
 */
export class Shares {
  readonly #served = new Map<string, number>()
  /** What one shard of a run took last: those that have begun count at once, so that cores spread over the runs. */
  readonly #usual = new Map<string, number>()
  /** Among equals: another one first on another worker. */
  readonly #draws = new Map<string, number>()

  /** The runs that there are now, whoever is to be asked first at the front. */
  order(runs: readonly string[]): string[] {
    for (const run of this.#served.keys())
      if (!runs.includes(run)) for (const map of [this.#served, this.#usual, this.#draws]) map.delete(run)
    const least = Math.min(...this.#served.values())
    for (const run of runs) {
      if (this.#served.has(run)) continue
      this.#served.set(run, Number.isFinite(least) ? least : 0)
      this.#draws.set(run, Math.random())
    }
    return [...runs].sort((a, b) => this.#of(a) - this.#of(b) || (this.#draws.get(a) ?? 0) - (this.#draws.get(b) ?? 0))
  }

  /** A shard of `run` begins; what comes back says that it has ended, and after how many seconds of a processor. */
  begin(run: string): (seconds: number) => void {
    const expected = this.#usual.get(run) ?? 1
    this.#add(run, expected)
    return (seconds) => {
      this.#add(run, seconds - expected)
      if (this.#served.has(run)) this.#usual.set(run, seconds)
    }
  }

  /** A run that had nothing to do does not save it up. */
  skipped(run: string, runs: readonly string[]): void {
    const others = runs.filter((each) => each !== run).map((each) => this.#of(each))
    if (others.length > 0) this.#served.set(run, Math.max(this.#of(run), Math.min(...others)))
  }

  #add(run: string, seconds: number): void {
    if (this.#served.has(run)) this.#served.set(run, this.#of(run) + seconds)
  }

  #of(run: string): number {
    return this.#served.get(run) ?? 0
  }
}
