import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import { array, badArgument, integer, options as checkedOptions, string } from '../../base/args.ts'
import { wasAborted } from '../../engine/poll.ts'
import { PageboxError } from '../../errors.ts'
import {
  type ConformOptions,
  type ConformPart,
  conformPart,
  type ConformResult,
} from '../../engine/recording/conformFiles.ts'
import { joinedConform } from '../../engine/recording/join.ts'
import type { ConformLevel } from '../../engine/recording/types.ts'
import { layoutOf } from '../../page/layouts.ts'
import { schemeOf } from '../../pins/schemes.ts'
import type { OnePart, RanPart, RunContext, Sharded } from '../command.ts'
import { shardFault } from '../fault.ts'
import { packedObject, unpacked } from '../plain.ts'
import { isOwn } from '../shard.ts'
import { count, counts, json, row, text } from '../shapes/common.ts'
import type { JsonObject, JsonValue, Shard, ShardFinding } from '../types.ts'

/** A recording, known by what is in it: files do not travel. */
interface RecordingName {
  readonly name: string
  readonly sha256: string
}
interface Asked {
  readonly files: readonly RecordingName[]
  readonly scheme: string
  readonly layout: string
  readonly level: ConformLevel
  readonly keep: number
  readonly rules?: string
  readonly quirks?: readonly string[]
  readonly only?: string
  readonly samples?: number
}
const asked = (options: JsonObject): Asked => unpacked(options) as Asked

const optionsShape = z.strictObject({
  files: z
    .array(z.strictObject({ name: text, sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
    .min(1)
    .max(100_000),
  scheme: text,
  layout: text,
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  keep: count,
  rules: text.optional(),
  quirks: z.array(text).max(1000).optional(),
  only: text.optional(),
  samples: count.optional(),
})

const places = z.array(count).max(1_000_000)
const files = z.array(text).max(100_000)
const outcomesShape = z.strictObject({
  files,
  ...Object.fromEntries(
    [
      'scenarios',
      'schedules',
      'seen',
      'explained',
      'missing',
      'waiting',
      'oneCpu',
      'unsupported',
      'serialMissing',
      'setupDiffers',
      'extra',
      'complete',
      'bounded',
      'sampled',
    ].map((key) => [key, count]),
  ),
  unsupportedOps: counts,
  bad: counts,
  needs: counts,
  rules: counts,
  mismatches: z.array(json).max(100_000),
})
const partShape = z.strictObject({
  result: z.strictObject({
    files,
    ...Object.fromEntries(
      ['scenarios', 'scenariosMatched', 'operations', 'matched', 'mismatched', 'explained', 'unsupported'].map(
        (key) => [key, count],
      ),
    ),
    explainedBy: counts,
    unsupportedOps: counts,
    dirty: z.array(z.strictObject({ file: text, scenario: text, rows: z.array(row).max(100_000) })).max(1_000_000),
    mismatches: z
      .array(
        z.strictObject({
          file: text,
          scenario: text,
          index: count,
          op: json,
          expected: json,
          actual: json,
          explainedBy: z.array(text).max(100),
        }),
      )
      .max(100_000),
    stoppedBy: z.enum(['end', 'abort']),
    outcomes: outcomesShape.nullable(),
  }),
  places: z.strictObject({
    files: places,
    dirty: places,
    mismatches: places,
    outcomes: z.strictObject({ files: places, mismatches: places }),
  }),
})

async function sha256Of(file: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(file), hash, { signal })
  } catch (error) {
    if (wasAborted(signal)) throw error
    throw new PageboxError('ERR_PAGEBOX_RECORDING', `${file}: ${(error as Error).message}`, {
      argument: 'files',
      given: file,
      allowed: 'a file that can be read',
      cause: error,
    })
  }
  return hash.digest('hex')
}

/** Which file here is which recording. */
async function pathsOf(
  of: Asked,
  recordings: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const here = new Map<string, string>()
  for (const file of recordings) here.set(await sha256Of(file, signal), file)
  const missing = of.files.filter(({ sha256 }) => !here.has(sha256))
  if (missing.length > 0)
    throw shardFault(
      'options.recordings',
      recordings.map((file) => basename(file)),
      `${missing.map(({ name, sha256 }) => `${name} (SHA-256 ${sha256.slice(0, 12)}…)`).join(', ')} ${missing.length === 1 ? 'is' : 'are'} not among the recordings here`,
      'files with the same contents, whatever their names, are allowed',
    )
  return here
}

/** With the names that were asked for, wherever the files lie here. */
function named({ result, places: at }: ConformPart, names: ReadonlyMap<string, string>): ConformPart {
  const nameOf = (file: string): string => names.get(file) ?? file
  const withName = <Entry extends { readonly file: string }>(each: Entry): Entry => ({
    ...each,
    file: nameOf(each.file),
  })
  return {
    result: {
      ...result,
      files: result.files.map(nameOf),
      dirty: result.dirty.map(withName),
      mismatches: result.mismatches.map(withName),
      outcomes:
        result.outcomes === null
          ? null
          : {
              ...result.outcomes,
              files: result.outcomes.files.map(nameOf),
              mismatches: result.outcomes.mismatches.map(withName),
            },
    },
    places: at,
  }
}

const findingsOf = ({ dirty, mismatches, outcomes }: ConformResult): ShardFinding[] => [
  ...dirty.map(({ file, scenario, rows }) => ({
    signature: `audit ${file} ${scenario}`,
    text: `${scenario}: ${rows[0]?.invariant ?? 'audit'}`,
    token: null,
  })),
  ...mismatches.map(({ file, scenario, index, op }) => ({
    signature: `mismatch ${file} ${scenario}`,
    text: `${scenario}: operation ${index}, ${op.op}`,
    token: null,
  })),
  ...(outcomes?.mismatches ?? []).map(({ file, scenario, what }) => ({
    signature: `${what} ${file} ${scenario}`,
    text: `${scenario}: an outcome is missing`,
    token: null,
  })),
]

async function run(
  options: JsonObject,
  shard: Shard,
  { signal, progressIntervalMs, onProgress, recordings }: RunContext,
): Promise<RanPart> {
  const of = asked(options)
  const here = await pathsOf(of, recordings, signal)
  const { files: wanted, ...settings } = of
  const paths = wanted.map(({ sha256 }) => here.get(sha256) as string)
  const names = new Map(wanted.map(({ name, sha256 }) => [here.get(sha256) as string, name]))
  const asksFor: ConformOptions = {
    ...settings,
    part: shard,
    ...(signal !== undefined && { signal }),
    progressIntervalMs,
    onProgress: ({ done, file }) => onProgress?.({ done, total: null, what: names.get(file) ?? '' }),
  } as ConformOptions
  const part = named(await conformPart(paths, asksFor), names)
  const { result } = part
  return {
    part: packedObject(part),
    done: result.scenarios + (result.outcomes?.scenarios ?? 0),
    stoppedBy: result.stoppedBy,
    findings: [...new Map(findingsOf(result).map((each) => [each.signature, each])).values()].slice(0, 1000),
  }
}

/** All scenarios as one comparison. */
export function joinedRecordings(options: JsonObject, parts: readonly OnePart[]): ConformResult {
  return joinedConform(
    parts.map(({ part }) => unpacked(part) as ConformPart),
    asked(options).keep,
  )
}

export const conformShards: Sharded = {
  async complete(value) {
    const given = checkedOptions(value, 'options', [
      'files',
      'scheme',
      'layout',
      'level',
      'keep',
      'rules',
      'quirks',
      'only',
      'samples',
    ] as const)
    const paths = array(given.files, 'options.files', string)
    if (paths.length === 0) throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.files', paths, 'at least one recording')
    const known: RecordingName[] = []
    for (const name of paths) known.push({ name, sha256: await sha256Of(name) })
    const { rules, quirks, only, samples } = given
    return packedObject({
      files: known,
      scheme: schemeOf(given.scheme ?? 'refcount-bias', 'options.scheme').name,
      layout: layoutOf(given.layout ?? 'linux-6.12', 'options.layout').name,
      level: given.level === undefined ? 2 : integer(given.level, 'options.level', 1, 3),
      keep: given.keep === undefined ? 1000 : integer(given.keep, 'options.keep', 0, 100_000),
      ...(rules !== undefined && { rules: string(rules, 'options.rules') }),
      ...(quirks !== undefined && { quirks: array(quirks, 'options.quirks', string) }),
      ...(only !== undefined && { only: string(only, 'options.only') }),
      ...(samples !== undefined && { samples: integer(samples, 'options.samples', 4, Number.MAX_SAFE_INTEGER) }),
    })
  },
  readOptions(options: JsonValue) {
    optionsShape.parse(options)
  },
  names: (options) => ({ schemes: [asked(options).scheme], layouts: [asked(options).layout] }),
  // How many scenarios there are is known when they are read; a file has some.
  useful: (options) => 64 * asked(options).files.length,
  run,
  readPart(part: JsonValue) {
    partShape.parse(part)
  },
  lie(options, shard, part) {
    const { result, places: at } = unpacked(part) as ConformPart
    const all = [at.files, at.dirty, at.mismatches, at.outcomes.files, at.outcomes.mismatches]
    const lengths = [
      result.files,
      result.dirty,
      result.mismatches,
      result.outcomes?.files ?? [],
      result.outcomes?.mismatches ?? [],
    ]
    if (all.some((each, i) => each.length !== lengths[i]?.length)) return 'its lists and their places differ in length'
    const other = all.flat().find((each) => !isOwn(each, shard))
    if (other !== undefined) return `scenario ${other} is another shard's`
    const { matched, mismatched, explained, unsupported, operations } = result
    if (matched + mismatched + explained + unsupported !== operations) return 'its operations do not add up'
    const names = new Set(asked(options).files.map(({ name }) => name))
    const foreign = result.files.find((file) => !names.has(file))
    return foreign === undefined ? undefined : `${foreign} is none of its recordings`
  },
  join: (options, parts) => {
    const { level, scheme, layout } = asked(options)
    const { stoppedBy, ...report } = joinedRecordings(options, parts)
    return { ...report, stoppedBy, level, scheme, layout }
  },
}
