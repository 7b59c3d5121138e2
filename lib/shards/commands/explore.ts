import { exploreDocument } from '../../engine/explore/document.ts'
import { type Explored, explored, type Kind, type Watching } from '../../engine/explore/exploring.ts'
import { type Joinable, joinedExplorations, type JoinSettings } from '../../engine/explore/join.ts'
import { strategyFor } from '../../engine/explore/strategyFor.ts'
import { readScenario } from '../../engine/scenario/readScenario.ts'
import { explore, exploreTelling } from '../../engine/scenario/exploreScenario.ts'
import { outcomeNames } from '../../engine/scenario/outcome.ts'
import { isRandom } from '../../engine/scenario/isRandom.ts'
import type { ExploreOptions, ExploreScenarioResult, Scenario } from '../../engine/scenario/scenarioTypes.ts'
import { tables } from '../../native/tables.ts'
import { integer } from '../../base/args.ts'
import type { ExploreLimit } from '../../native/binding.ts'
import { behaviourKeys } from '../../pins/behaviour.ts'
import type { OnePart, RanPart, RunContext, Sharded } from '../command.ts'
import { packedObject, unpacked } from '../plain.ts'
import { rangeOf } from '../shard.ts'
import { exploredPart, options as optionsShape } from '../shapes/explore.ts'
import type { JsonObject, JsonValue, Shard, ShardFinding } from '../types.ts'

/** What an exploration is asked for, as data; the fields of {@link ExploreOptions}, and what the command adds. */
export interface ExploreShardOptions
  extends Omit<ExploreOptions, 'firstRun' | 'samplesEach' | 'shard' | 'signal' | 'onProgress' | 'progressIntervalMs'> {
  scenario: Scenario
  /** As it was asked for: a name, a file. */
  name?: string
  /** Whether the first of each kind is made as short as it gets; true. */
  shrink?: boolean
}

/** Hashes of schedules that a document carries, at most. */
const mostHashes = 2 ** 16

interface Asked extends ExploreOptions {
  scenario: Scenario
  name: string
  shrink: boolean
  strategy: NonNullable<ExploreOptions['strategy']>
  samples: number
  scheme: string
  layout: string
}
const asked = (options: JsonObject): Asked => unpacked(options) as Asked

/** What the API takes. */
const apiOptions = ({ scenario: _, name: __, shrink: ___, ...rest }: Asked): ExploreOptions => rest

const isTree = (strategy: string): boolean => strategy === 'dpor' || strategy === 'depth-first'

const settingsOf = ({ strategy, bound, depth, scenario, findings = 8 }: Asked): JoinSettings => ({
  bounded: bound !== undefined,
  depth: depth ?? 0,
  apart: isTree(strategy),
  ownPrograms: isRandom(scenario) && strategy === 'random',
  findings,
})

/** Of a portfolio the first half is for what is systematic, as in one exploration. */
const systematicOf = (samples: number): number => Math.ceil(samples / 2)

function nothing(of: Asked): Joinable {
  const result: ExploreScenarioResult = {
    stoppedBy: 'schedules',
    schedules: 0,
    abandoned: 0,
    complete: isTree(of.strategy),
    classes: 0,
    estimate: null,
    explored: null,
    bound: null,
    guarantee: 'nothing was explored',
    missedAtMost: null,
    distinct: 0,
    steps: 0,
    ops: 0,
    outcomes: Object.fromEntries(outcomeNames.map((name) => [name, 0])) as ExploreScenarioResult['outcomes'],
    seen: of.outcomes === undefined || of.outcomes === false ? null : [],
    seenFull: false,
    first: [],
    hash: 0n,
    seconds: 0,
    seed: BigInt(of.seed ?? 1),
    gaveUp: false,
  }
  return { result, worth: { drawn: {}, fibers: 0, steps: 0, programs: 0 }, hashes: [] }
}

type Told = Pick<ExploreOptions, 'signal' | 'onProgress' | 'progressIntervalMs'>

/** One part of it: a range of runs, a part of the tree, or both. */
async function explorePart(of: Asked, shard: Shard, told: Told): Promise<Joinable> {
  const options = { ...apiOptions(of), ...told }
  const telling = async (more: ExploreOptions, isApart: boolean): Promise<Joinable> =>
    exploreTelling(of.scenario, { ...options, ...more }, !isApart)
  if (isTree(of.strategy)) return telling({ shard }, true)
  if (of.strategy !== 'portfolio') {
    const { from, to } = rangeOf(of.samples, shard)
    return from === to ? nothing(of) : telling({ firstRun: from, samples: to - from }, false)
  }
  const systematic = systematicOf(of.samples)
  const tree = await telling({ strategy: 'dpor', shard, samples: systematic }, false)
  const { from, to } = rangeOf(of.samples - systematic, shard)
  if (tree.result.complete || tree.result.stoppedBy === 'abort' || from === to) return tree
  const drawn = await telling({ firstRun: systematic + from, samples: to - from }, false)
  const both = joinedExplorations([tree, drawn], settingsOf(of), false)
  const { estimate, explored: share } = tree.result
  return { ...both, result: { ...both.result, estimate, explored: share } }
}

const findingOf = ({ finding, shortest }: Kind): ShardFinding => ({
  signature: `${finding.outcome} ${finding.row?.invariant ?? ''}`.trim(),
  text: finding.text,
  token: shortest?.token ?? finding.token,
})

const hashText = (hashes: readonly bigint[] | null): string | null => {
  if (hashes === null || hashes.length > mostHashes) return null
  const bytes = Buffer.alloc(hashes.length * 8)
  for (const [i, hash] of hashes.entries()) bytes.writeBigUInt64LE(hash, i * 8)
  return bytes.toString('base64')
}
function hashesOf(told: string | null): bigint[] | null {
  if (told === null) return null
  const bytes = Buffer.from(told, 'base64')
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(i * 8))
}

interface Part extends Omit<Joinable, 'hashes'> {
  readonly hashes: string | null
  readonly kinds: readonly Kind[]
}
const partOf = ({ part }: OnePart): Part => unpacked(part) as Part

/** Of each kind the shortest tokens, in the order in which one exploration would have met them. */
function joinedKinds(parts: readonly Part[]): Kind[] {
  const known = new Map<string, Kind>()
  const shorter = <Of extends { token: string }>(a: Of, b: Of): Of => (b.token.length < a.token.length ? b : a)
  const all = parts.flatMap(({ kinds }) => kinds).sort((a, b) => a.finding.run - b.finding.run)
  for (const kind of all) {
    const key = `${kind.finding.outcome} ${kind.finding.row?.invariant}`
    const before = known.get(key)
    if (before === undefined) known.set(key, kind)
    else
      known.set(key, {
        finding: shorter(before.finding, kind.finding),
        shortest:
          before.shortest === null || kind.shortest === null
            ? (before.shortest ?? kind.shortest)
            : shorter(before.shortest, kind.shortest),
      })
  }
  return [...known.values()].slice(0, 8)
}

/** All parts, as one machine would have it. */
export function joinedExplored(options: JsonObject, parts: readonly OnePart[]): Explored {
  const of = asked(options)
  const all = parts.map(partOf)
  const joinable = all.map(({ hashes, ...rest }) => ({ ...rest, hashes: hashesOf(hashes) }))
  // A part without a schedule of its own says nothing of what is there.
  const told = joinable.filter(({ result }) => result.schedules > 0 || result.complete)
  const { result } = joinedExplorations(told.length > 0 ? told : joinable, settingsOf(of))
  return { scenario: of.scenario, result, kinds: joinedKinds(all) }
}

export const exploreFacts = (options: JsonObject) => {
  const { name, scheme, layout, strategy } = asked(options)
  return { scenario: name, scheme, layout, strategy }
}

async function complete(value: object): Promise<JsonObject> {
  const { name, shrink, ...given } = value as ExploreShardOptions
  const { scenario, ...api } = given
  const read = readScenario(scenario)
  const { max } = tables().exploreLimits.schedules as ExploreLimit
  const samples = api.samples === undefined ? 1000 : integer(api.samples, 'options.samples', 1, max)
  const strategy = strategyFor(read.source, api)
  const named = (one: ExploreOptions['scheme' | 'layout'], otherwise: string): string =>
    one === undefined ? otherwise : typeof one === 'string' ? one : one.name
  const options = {
    ...api,
    strategy,
    scheme: named(api.scheme, 'refcount-bias'),
    layout: named(api.layout, 'linux-6.12'),
    seed: String(api.seed ?? 1),
    workloadSeed: String(api.workloadSeed ?? 1),
  }
  // One schedule: whatever the explorer has to say against it, it says now.
  await explore(read.source, {
    ...options,
    seed: BigInt(options.seed),
    workloadSeed: BigInt(options.workloadSeed),
    samples: 1,
  } as ExploreOptions)
  return packedObject({
    ...options,
    seed: BigInt(options.seed),
    workloadSeed: BigInt(options.workloadSeed),
    scenario: read.source,
    name: name ?? read.name,
    samples,
    shrink: shrink !== false,
  })
}

async function run(options: JsonObject, shard: Shard, context: RunContext): Promise<RanPart> {
  const of = asked(options)
  const tell =
    (what: string) =>
    (done: number, total: number | null): void =>
      context.onProgress?.({ done, total, what })
  const watching: Watching = {
    signal: context.signal ?? new AbortController().signal,
    exploring: ({ done, total }) => tell('schedules')(done, total),
    shrinking: (tried) => tell('making it shorter')(tried, null),
  }
  let joined: Joinable | undefined
  const { kinds } = await explored(of.scenario, apiOptions(of), { shrink: of.shrink }, watching, async (_, told) => {
    joined = await explorePart(of, shard, { ...told, progressIntervalMs: context.progressIntervalMs })
    return joined.result
  })
  const { result, worth, hashes } = joined as Joinable
  const part = {
    result,
    worth,
    hashes: isTree(of.strategy) ? null : hashText(hashes),
    kinds: kinds.map(({ finding, shortest }) => ({ finding, shortest: shortest === null ? null : smallOf(shortest) })),
  }
  return {
    part: packedObject(part),
    done: result.schedules,
    stoppedBy: result.stoppedBy === 'abort' || context.signal?.aborted ? 'abort' : 'end',
    findings: kinds.map(findingOf),
  }
}

/** Without its steps, which the token repeats. */
const smallOf = ({
  ops,
  switches,
  steps,
  text: said,
  token,
  scenario,
  stoppedBy,
  tried,
  rules,
  quirks,
}: NonNullable<Kind['shortest']>) => ({
  ops,
  switches,
  steps: { length: steps.length },
  text: said,
  token,
  scenario,
  stoppedBy,
  tried,
  rules,
  quirks,
})

function lie(options: JsonObject, shard: Shard, part: JsonObject): string | undefined {
  const of = asked(options)
  const { result } = unpacked(part) as Part
  const counted = Object.values(result.outcomes).reduce((sum, each) => sum + each, 0)
  if (counted !== result.schedules) return `its outcomes are of ${counted} schedules, not of ${result.schedules}`
  if (result.classes > result.schedules) return `${result.classes} classes of ${result.schedules} schedules`
  if (result.seed !== BigInt(of.seed ?? 1)) return `its seed is ${result.seed}`
  if (isTree(of.strategy))
    return result.schedules > of.samples ? `${result.schedules} schedules of at most ${of.samples}` : undefined
  if (of.strategy === 'portfolio') {
    const systematic = systematicOf(of.samples)
    const { from, to } = rangeOf(of.samples - systematic, shard)
    return result.schedules > systematic + to - from ? `${result.schedules} schedules` : undefined
  }
  const { from, to } = rangeOf(of.samples, shard)
  if (result.schedules > to - from) return `${result.schedules} schedules, and its part has ${to - from}`
  const other = result.first.find((finding) => finding.run < from || finding.run >= to)
  return other === undefined ? undefined : `a finding of schedule ${other.run}, and its part is ${from} to ${to - 1}`
}

export const exploreShards: Sharded = {
  complete,
  readOptions(options: JsonValue) {
    optionsShape(behaviourKeys).parse(options)
    readScenario((options as JsonObject).scenario)
  },
  names: (options) => ({ schemes: [asked(options).scheme], layouts: [asked(options).layout] }),
  useful: (options) => asked(options).samples,
  run,
  readPart(part: JsonValue) {
    exploredPart().parse(part)
  },
  lie,
  join: (options, parts) => exploreDocument(joinedExplored(options, parts), exploreFacts(options)),
}
