import { setImmediate } from 'node:timers/promises'

/** Something that can be timed again and again. */
export interface Series {
  /** Runs `ops` operations and says how long they took, in ns. */
  sample(ops: number): { ns: number; ops: number }
  /** More than this in one sample would run into a limit of the scheme. */
  maxOps: number
  /** Untimed operations before the first sample: enough to touch everything once. */
  warmUpOps: number
  /** On what memory, where series have several: who comes to other memory than the one before finds its translations gone. */
  memory?: object
}

export interface RoundOptions {
  rounds: number
  sampleMs: number
  signal: AbortSignal | undefined
}

/** Untimed operations in one call. */
const warmUpPart = 2 ** 16

/** Untimed operations on memory where the series before was not. */
const arrivalOps = 2 ** 15

/**
 * Times all series round by round and returns ns per operation, one array a
 * series, all of the same length. The order turns by one each round, so that
 * nobody always runs behind the same neighbour.
 */
export async function interleave(series: readonly Series[], options: RoundOptions): Promise<number[][]> {
  const results: number[][] = series.map(() => [])
  const opsOf: number[] = []
  for (const each of series) {
    // In parts, so that a signal gets through; a sample blocks.
    for (let left = Math.min(each.warmUpOps, each.maxOps); left > 0; left -= warmUpPart) {
      each.sample(Math.min(left, warmUpPart))
      await setImmediate()
      if (options.signal?.aborted) return results
    }
    const trial = each.sample(Math.min(4096, each.maxOps))
    const nsPerOp = Math.max(0.2, trial.ns / trial.ops)
    const fitting = Math.round((options.sampleMs * 1e6) / nsPerOp)
    opsOf.push(Math.max(64, Math.min(each.maxOps, fitting)))
    await setImmediate()
  }
  let memory = series.at(-1)?.memory
  for (let round = 0; round < options.rounds; round++) {
    const done: number[] = []
    for (let i = 0; i < series.length; i++) {
      const at = (i + round) % series.length
      const each = series[at] as Series
      if (each.memory !== memory) each.sample(Math.min(arrivalOps, each.maxOps))
      memory = each.memory
      const { ns, ops } = each.sample(opsOf[at] as number)
      done[at] = ns / ops
      // Native samples block; between them a signal must get through.
      await setImmediate()
      if (options.signal?.aborted) return results
    }
    for (const [at, nsPerOp] of done.entries()) results[at]?.push(nsPerOp)
  }
  return results
}
