import { z } from 'zod'
import { outcomeNames } from '../../engine/scenario/outcome.ts'
import { big, count, counts, json, row, seconds, share, text, token, token64 } from './common.ts'

export const options = (behaviour: readonly string[]) =>
  z.strictObject({
    scenario: json,
    name: text,
    shrink: z.boolean(),
    strategy: text,
    scheme: text,
    layout: text,
    samples: count.min(1),
    seed: big,
    workloadSeed: big,
    bound: count.optional(),
    depth: count.optional(),
    threads: count.optional(),
    ops: count.optional(),
    failing: share.optional(),
    maxSteps: count.optional(),
    findings: count.optional(),
    memoryBytes: count.optional(),
    outcomes: json.optional(),
    ...Object.fromEntries(behaviour.map((key) => [key, json.optional()])),
  })

const outcome = z.enum(outcomeNames)
const finding = z.strictObject({
  run: count,
  program: count,
  scheduleHash: big,
  outcome,
  strategy: text,
  text,
  row: row.nullable(),
  trace: z.array(text).max(100_000),
  token,
})
const records = z.array(json).max(1_000_000)

export const exploredPart = () =>
  z.strictObject({
    result: z.strictObject({
      stoppedBy: z.enum(['schedules', 'complete', 'abort', 'gave-up', 'memory']),
      schedules: count,
      abandoned: count,
      complete: z.boolean(),
      classes: count,
      estimate: z.number().min(0).nullable(),
      explored: share.nullable(),
      bound: count.max(64).nullable(),
      guarantee: text,
      missedAtMost: share.nullable(),
      distinct: count,
      steps: count,
      ops: count,
      outcomes: z.record(outcome, count),
      seen: z
        .array(
          z.strictObject({
            result: z.strictObject({ threads: z.array(records).max(64), after: records, fields: json }),
            count,
            token,
          }),
        )
        .max(2 ** 14)
        .nullable(),
      seenFull: z.boolean(),
      first: z.array(finding).max(5000),
      hash: big,
      seconds,
      seed: big,
      gaveUp: z.boolean(),
    }),
    worth: z.strictObject({ drawn: counts, fibers: count.max(64), steps: count, programs: count }),
    hashes: token64.nullable(),
    kinds: z
      .array(
        z.strictObject({
          finding,
          shortest: z
            .strictObject({
              ops: count,
              switches: count,
              steps: z.strictObject({ length: count }),
              text,
              token,
              scenario: json,
              stoppedBy: z.enum(['shortest', 'abort']),
              tried: count,
              rules: text,
              quirks: z.array(text).max(100),
            })
            .nullable(),
        }),
      )
      .max(64),
  })
