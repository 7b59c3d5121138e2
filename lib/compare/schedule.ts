import type { Plan } from './plan.ts'

/** Something that is measured block by block. */
export interface Part {
  readonly what: string
  /** Fewest blocks of a part that takes next to no time; otherwise the plan's. */
  readonly fewest?: number
  block(): Promise<void>
  /** How wide its widest interval still is: half of it, as a share of the cost. */
  width(): number
}

export interface ScheduleOptions extends Pick<Plan, 'fewestBlocks' | 'blocks' | 'mostBlocks' | 'goodEnough'> {
  /** Milliseconds of `performance.now()` after which no block begins that need not be. */
  deadline: number
  /** Told before each block, with the milliseconds that are expected to remain; false ends it. */
  next(what: string, msLeft: number): Promise<boolean>
  /** Told after each block. */
  done?(part: number): void
}

interface State {
  part: Part
  at: number
  blocks: number
  /** Of its last block. */
  ms: number
}

/**
 * Measures all parts: a block of each, again and again, so that what the machine does for a while falls on all of
 * them; then blocks where intervals are widest, as long as there is time. False: it was ended.
 */
export async function measureAll(parts: readonly Part[], options: ScheduleOptions): Promise<boolean> {
  const states: State[] = parts.map((part, at) => ({ part, at, blocks: 0, ms: 0 }))

  /** What must be done in any case; with no deadline, what will be. */
  const msLeft = (): number => {
    const known = states.filter(({ blocks }) => blocks > 0)
    const usual = known.reduce((sum, { ms }) => sum + ms, 0) / Math.max(1, known.length)
    const wanted = Number.isFinite(options.deadline) ? options.fewestBlocks : options.blocks
    const due = states.reduce((sum, { blocks, ms }) => sum + Math.max(0, wanted - blocks) * (ms || usual), 0)
    const inTime = Number.isFinite(options.deadline) ? options.deadline - performance.now() : 0
    return Math.max(0, due, inTime)
  }

  const measure = async (state: State): Promise<boolean> => {
    if (!(await options.next(state.part.what, msLeft()))) return false
    const begin = performance.now()
    await state.part.block()
    state.ms = performance.now() - begin
    state.blocks++
    options.done?.(state.at)
    return true
  }

  const fewest = ({ part }: State): number => part.fewest ?? options.fewestBlocks
  for (let pass = 0; pass < Math.max(options.blocks, ...states.map(fewest)); pass++) {
    for (const state of states) {
      if (pass >= Math.max(options.blocks, fewest(state))) continue
      if (pass >= fewest(state) && performance.now() + state.ms > options.deadline) continue
      if (!(await measure(state))) return false
    }
  }
  for (;;) {
    const now = performance.now()
    const open = states.filter(
      ({ part, blocks, ms }) =>
        blocks < options.mostBlocks && now + ms <= options.deadline && part.width() > options.goodEnough,
    )
    // Who gains most for its time.
    const gain = ({ part, blocks, ms }: State): number => part.width() / (blocks * Math.max(1, ms))
    const next = open.sort((a, b) => gain(b) - gain(a))[0]
    if (next === undefined) return true
    if (!(await measure(next))) return false
  }
}
