import type { NativeOpResult, NativeRaceResult } from '../native/engineBinding.ts'
import type { OpResult, RaceRun } from './raceTypes.ts'

function opResult<Op extends string>(found: NativeOpResult, seconds: number): OpResult<Op> {
  const { op, ops, retries, latency } = found
  const failures = Object.fromEntries(found.failures.map(({ errno, count }) => [errno, count]))
  return { op: op as Op, ops, opsPerSecond: seconds > 0 ? ops / seconds : 0, retries, failures, latencyNs: latency }
}

/** What a race did, on whatever it was. */
export function raceRan<Op extends string>(found: NativeRaceResult, seed: bigint): Omit<RaceRun<Op>, 'warnings'> {
  const { seconds, rounds, cpuSeconds } = found
  return {
    stoppedBy: found.stoppedBy as RaceRun<Op>['stoppedBy'],
    seconds,
    rounds,
    seed,
    ops: found.ops.map((each) => opResult<Op>(each, seconds)),
    threads: found.threads.map((each, thread) => ({
      thread,
      cpuSeconds: cpuSeconds[thread] as number,
      ops: each.map((op) => opResult<Op>(op, seconds)),
    })),
  }
}
