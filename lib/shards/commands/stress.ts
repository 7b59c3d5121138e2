import { z } from 'zod'
import { badArgument, options as checkedOptions, or, positive } from '../../base/args.ts'
import type { AuditReport } from '../../engine/audit.ts'
import { rowText } from '../../engine/auditRow.ts'
import { race } from '../../engine/race.ts'
import type { RaceOptions } from '../../engine/raceTypes.ts'
import { readScenario } from '../../engine/scenario/readScenario.ts'
import type { RaceScenarioOptions, Scenario } from '../../engine/scenario/scenarioTypes.ts'
import { stressJson } from '../../engine/stress/document.ts'
import { opRace } from '../../engine/stress/opRace.ts'
import { longestSlice, stress, type StressOutcome, type StressPlan } from '../../engine/stress/stress.ts'
import { type OpTotal, StressTotal } from '../../engine/stress/total.ts'
import type { OnePart, RanPart, RunContext, Sharded } from '../command.ts'
import { packedObject, unpacked } from '../plain.ts'
import { rangeOf } from '../shard.ts'
import { count, counts, json, row, seconds, text } from '../shapes/common.ts'
import type { JsonObject, JsonValue, Shard } from '../types.ts'

/** What a run of races is asked for, as data. */
interface Asked {
  readonly name: string
  readonly plan: StressPlan
  /** Null: pins. */
  readonly ops: { readonly scenario: Scenario; readonly machine: RaceScenarioOptions } | null
  readonly warnings: readonly string[]
  /** A command line with `{seed}` and `{seconds}`. */
  readonly repeat: string
}
const asked = (options: JsonObject): Asked => unpacked(options) as Asked

const longestSeconds = 10 * 366 * 24 * 3600
const shortestSlice = 0.05

const planShape = z.strictObject({
  box: json,
  threads: count.min(1).max(4096),
  mix: json,
  pattern: text,
  seconds: z.number().gt(0).max(longestSeconds),
  seed: count.max(2 ** 32 - 1),
  affinity: z.boolean(),
})
const optionsShape = z.strictObject({
  name: text,
  plan: planShape,
  ops: z.strictObject({ scenario: json, machine: json }).nullable(),
  warnings: z.array(text).max(1000),
  repeat: text,
})

const latency = {
  samples: count,
  min: z.number(),
  mean: z.number(),
  p50: z.number(),
  p90: z.number(),
  p99: z.number(),
  p999: z.number(),
  max: z.number(),
}
const buckets = z.array(z.strictObject({ upToNs: z.number().min(0), count })).max(100_000)
const op = { op: text, ops: count, opsPerSecond: z.number().min(0), retries: count, failures: counts }
const partShape = z.strictObject({
  seconds,
  slices: count,
  pagesAudited: count,
  dirty: z.strictObject({ rows: z.array(row).max(100_000), rowsTotal: count }).nullable(),
  byOp: z.array(z.strictObject({ ...op, latencyNs: z.strictObject({ ...latency, buckets }).nullable() })).max(1000),
  reached: z.array(z.looseObject({ group: text, name: text, count })).max(10_000),
  failed: z.strictObject({ seed: count, seconds }).nullable(),
  points: z
    .array(
      z.strictObject({
        seconds,
        residentBytes: count,
        byOp: z.array(z.strictObject({ ...op, latencyNs: z.strictObject(latency).nullable() })).max(1000),
      }),
    )
    .max(1000),
})

interface Part {
  readonly seconds: number
  readonly slices: number
  readonly pagesAudited: number
  readonly dirty: Pick<AuditReport, 'rows' | 'rowsTotal'> | null
  readonly byOp: OpTotal[]
  readonly reached: StressTotal['reached']
  readonly failed: { seed: number; seconds: number } | null
  readonly points: readonly { seconds: number; residentBytes: number; byOp: OpTotal[] }[]
}

/** The same for all shards of one division: at least one slice for each. */
function slicesOf(of: Asked, shard: Shard): { from: number; to: number; sliceSeconds: number } {
  const all = allSlices(of, shard.of)
  return { ...rangeOf(all, shard), sliceSeconds: of.plan.seconds / all }
}

const raceOf = ({ ops }: Asked): Parameters<typeof stress>[0] =>
  ops === null ? race : opRace(race, ops.scenario, ops.machine)

const withoutBuckets = (each: OpTotal): object => {
  if (each.latencyNs === null) return each
  const { buckets: _, ...plain } = each.latencyNs
  return { ...each, latencyNs: plain }
}

async function run(
  options: JsonObject,
  shard: Shard,
  { signal, progressIntervalMs, onProgress }: RunContext,
): Promise<RanPart> {
  const of = asked(options)
  const { from, to, sliceSeconds } = slicesOf(of, shard)
  const total = Math.round((to - from) * sliceSeconds)
  let told = performance.now()
  const {
    total: sum,
    series,
    failed,
  } = await stress(
    raceOf(of),
    { ...of.plan, sliceSeconds, slices: { from, to } },
    {
      signal: signal ?? new AbortController().signal,
      onSlice() {},
      onProgress(progress, before) {
        if (performance.now() - told < progressIntervalMs) return
        told = performance.now()
        onProgress?.({ done: Math.round(before.seconds + progress.seconds), total, what: 'seconds' })
      },
    },
  )
  const part = {
    seconds: sum.seconds,
    slices: sum.slices,
    pagesAudited: sum.pagesAudited,
    dirty: sum.dirty === undefined ? null : { rows: sum.dirty.rows, rowsTotal: sum.dirty.rowsTotal },
    byOp: sum.byOp,
    reached: sum.reached,
    failed: failed ?? null,
    points: series.points.map((point) => ({
      seconds: point.seconds,
      residentBytes: point.residentBytes,
      byOp: point.total.byOp.map(withoutBuckets),
    })),
  }
  const [first] = sum.dirty?.rows ?? []
  return {
    part: packedObject(part),
    done: sum.slices,
    stoppedBy: signal?.aborted ? 'abort' : 'end',
    findings:
      failed === undefined
        ? []
        : [
            {
              signature: `stress ${first?.invariant ?? (sum.dirty === undefined ? 'CORRUPT' : 'audit')}`,
              text: `seed ${failed.seed}: ${first === undefined ? 'an operation met a word that no kernel would write' : rowText(first)}`,
              token: null,
            },
          ],
  }
}

export interface JoinedStress {
  readonly name: string
  readonly plan: StressPlan
  readonly outcome: StressOutcome
  readonly repeat: string
  readonly json: object
}

/** All slices as one run, in the order of their seeds. */
export function joinedStress(options: JsonObject, parts: readonly OnePart[]): JoinedStress {
  const of = asked(options)
  const total = new StressTotal()
  const points: StressOutcome['series']['points'][number][] = []
  let failed: StressOutcome['failed']
  let before = 0
  for (const { part } of parts) {
    const one = unpacked(part) as Part
    total.merge({ ...one, dirty: (one.dirty ?? undefined) as AuditReport | undefined })
    failed ??= one.failed ?? undefined
    for (const point of one.points)
      points.push({
        seconds: before + point.seconds,
        residentBytes: point.residentBytes,
        total: { byOp: point.byOp } as unknown as StressTotal,
      })
    before += one.seconds
  }
  const repeat =
    failed === undefined
      ? ''
      : of.repeat.replace('{seed}', String(failed.seed)).replace('{seconds}', String(failed.seconds))
  const { name, plan, warnings } = of
  const outcome = { total, series: { points } as unknown as StressOutcome['series'], failed }
  const [first] = parts
  const complete = first !== undefined && (failed !== undefined || total.slices === allSlices(of, first.shard.of))
  return { name, plan, outcome, repeat, json: stressJson({ name, plan, warnings, complete, repeat }, outcome) }
}
const allSlices = (of: Asked, shards: number): number => Math.max(shards, Math.ceil(of.plan.seconds / longestSlice))

export const stressShards: Sharded = {
  async complete(value) {
    const given = checkedOptions(value, 'options', ['name', 'plan', 'ops', 'warnings', 'repeat'] as const)
    const plan = checkedOptions(given.plan as object, 'options.plan', [
      'box',
      'threads',
      'mix',
      'pattern',
      'seconds',
      'seed',
      'affinity',
      'sliceSeconds',
    ] as const)
    if (plan.seconds === Number.POSITIVE_INFINITY)
      throw badArgument(
        'ERR_PAGEBOX_ARG_RANGE',
        'options.plan.seconds',
        plan.seconds,
        'a number: what has no end has no parts',
      )
    const of: Asked = {
      name: typeof given.name === 'string' ? given.name : 'pins',
      plan: {
        box: or(plan.box, { pages: 4096 }),
        threads: or(plan.threads, 2),
        mix: or(plan.mix, { 'pin+unpin': 1 }),
        pattern: or(plan.pattern, 'random'),
        seconds: positive(or(plan.seconds, 10), 'options.plan.seconds', longestSeconds),
        seed: or(plan.seed, 1),
        affinity: or(plan.affinity, false),
      } as StressPlan,
      ops: (given.ops ?? null) as Asked['ops'],
      warnings: (given.warnings ?? []) as string[],
      repeat: typeof given.repeat === 'string' ? given.repeat : '',
    }
    // A moment of it: whatever a race has to say against it, it says now.
    const { box, threads, mix, pattern, seed } = of.plan
    await raceOf(of)(box, { threads, mix, pattern, seed, seconds: 0.01 } as RaceOptions)
    return packedObject(of)
  },
  readOptions(options: JsonValue) {
    const { ops } = optionsShape.parse(options)
    if (ops !== null) readScenario(ops.scenario)
  },
  names(options) {
    const { plan, ops } = asked(options)
    const { scheme, layout } = { ...plan.box, ...ops?.machine }
    const named = (one: unknown): string[] => (typeof one === 'string' ? [one] : [])
    return { schemes: named(scheme), layouts: named(layout) }
  },
  useful: (options) => Math.max(1, Math.floor(asked(options).plan.seconds / shortestSlice)),
  run,
  readPart(part: JsonValue) {
    partShape.parse(part)
  },
  lie(options, shard, part) {
    const of = asked(options)
    const { from, to } = slicesOf(of, shard)
    const { slices, failed, byOp } = unpacked(part) as Part
    if (slices > to - from) return `${slices} slices, and its part has ${to - from}`
    if (failed !== null && (failed.seed - of.plan.seed - from) >>> 0 >= to - from)
      return `a slice of seed ${failed.seed}, and its part begins at ${(of.plan.seed + from) >>> 0}`
    const lying = byOp.find(
      ({ latencyNs }) =>
        latencyNs !== null && latencyNs.buckets.reduce((sum, { count: n }) => sum + n, 0) !== latencyNs.samples,
    )
    return lying === undefined ? undefined : `the buckets of ${lying.op} hold another number of samples than it says`
  },
  join: (options, parts) => joinedStress(options, parts).json,
}
