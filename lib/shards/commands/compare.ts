import { z } from 'zod'
import { array, badArgument, integer, oneOf, options as checkedOptions } from '../../base/args.ts'
import { compare } from '../../compare/compare.ts'
import { type CompareDocument, compareDocument } from '../../compare/document.ts'
import { joinedComparisons } from '../../compare/join.ts'
import { pagebox } from '../../compare/pagebox.ts'
import type { Effort } from '../../compare/plan.ts'
import { packageVersion } from '../../native/load.ts'
import { tables } from '../../native/tables.ts'
import type { PageType } from '../../page/layout.ts'
import { layoutOf, layouts } from '../../page/layouts.ts'
import { schemeOf, schemes } from '../../pins/schemes.ts'
import type { OnePart, RanPart, RunContext, Sharded } from '../command.ts'
import { packedObject, unpacked } from '../plain.ts'
import { isOwn } from '../shard.ts'
import { text } from '../shapes/common.ts'
import type { JsonObject, JsonValue, Shard } from '../types.ts'

interface Asked {
  readonly effort: Effort
  readonly schemes: readonly string[]
  readonly layouts: readonly string[]
  readonly costLayout: string
  readonly seed: number
  readonly command: string
}
const asked = (options: JsonObject): Asked => unpacked(options) as Asked

const efforts = ['quick', 'default', 'thorough'] as const
const names = z.array(text).min(1).max(1000)
const optionsShape = z.strictObject({
  effort: z.enum(efforts),
  schemes: names,
  layouts: names,
  costLayout: text,
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  command: text,
})

/** What is long comes first: costs are measured on anonymous pages above all. */
const typesInOrder = (): PageType[] => {
  const all = tables().pageTypes as PageType[]
  return ['anon' as PageType, ...all.filter((each) => each !== 'anon')]
}

/** Pairs of a scheme and a type of page, dealt in turn. */
function ownPairs(of: Asked, shard: Shard): Set<string> {
  const pairs = typesInOrder().flatMap((pageType) => of.schemes.map((scheme) => `${scheme} ${pageType}`))
  return new Set(pairs.filter((_, at) => isOwn(at, shard)))
}

async function run(
  options: JsonObject,
  shard: Shard,
  { signal, progressIntervalMs, onProgress }: RunContext,
): Promise<RanPart> {
  const of = asked(options)
  const own = ownPairs(of, shard)
  const document = await compare(pagebox, {
    effort: of.effort,
    schemes: of.schemes.map((name) => schemeOf(name, 'options.schemes')),
    layouts: of.layouts.map((name) => layoutOf(name, 'options.layouts')),
    costLayout: layoutOf(of.costLayout, 'options.costLayout'),
    seed: of.seed,
    command: of.command,
    only: (scheme, pageType) => own.has(`${scheme} ${pageType}`),
    ...(signal !== undefined && { signal }),
    progressIntervalMs,
    onProgress: ({ done, total, what }) => onProgress?.({ done, total, what }),
  })
  return {
    part: packedObject(document),
    done: document.schemes.reduce((sum, { room, cost }) => sum + room.length + cost.length, 0),
    stoppedBy: document.stoppedBy,
    findings: document.disagreements.map(({ scheme, layout, pageType, order, table, probe }) => ({
      signature: `disagreement ${scheme} ${layout} ${pageType} ${order}`,
      text: `${scheme} in ${layout} on ${pageType}: the table says ${table}, memory ${probe}`,
      token: null,
    })),
  }
}

export const joinedCompare = (parts: readonly OnePart[]): CompareDocument =>
  joinedComparisons(
    parts.map(({ part }) => unpacked(part) as CompareDocument),
    tables().pageTypes,
  )

export const compareShards: Sharded = {
  async complete(value) {
    const given = checkedOptions(value, 'options', [
      'effort',
      'schemes',
      'layouts',
      'costLayout',
      'seed',
      'command',
    ] as const)
    const several = (
      list: unknown,
      argument: string,
      all: string[],
      one: (each: unknown, at: string) => string,
    ): string[] => {
      if (list === undefined) return all
      const found = [...new Set(array(list, argument, one))]
      if (found.length === 0) throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, list, 'an array of at least one')
      return found
    }
    return packedObject({
      effort: given.effort === undefined ? 'default' : oneOf(given.effort, 'options.effort', efforts),
      schemes: several(given.schemes, 'options.schemes', schemes.names, (each, at) => schemeOf(each, at).name),
      layouts: several(given.layouts, 'options.layouts', layouts.names, (each, at) => layoutOf(each, at).name),
      costLayout: layoutOf(given.costLayout ?? 'linux-6.12', 'options.costLayout').name,
      seed: given.seed === undefined ? 1 : integer(given.seed, 'options.seed', 0, 2 ** 32 - 1),
      command: typeof given.command === 'string' ? given.command : '',
    })
  },
  readOptions(options: JsonValue) {
    optionsShape.parse(options)
  },
  names(options) {
    const of = asked(options)
    return { schemes: of.schemes, layouts: [...of.layouts, of.costLayout] }
  },
  useful: (options) => asked(options).schemes.length * tables().pageTypes.length,
  run,
  readPart(part: JsonValue) {
    compareDocument.parse(part)
  },
  lie(options, shard, part) {
    const of = asked(options)
    const own = ownPairs(of, shard)
    const document = unpacked(part) as CompareDocument
    if (document.pagebox !== packageVersion()) return `its comparison is of pagebox ${document.pagebox}`
    const { settings } = document
    for (const key of ['effort', 'seed', 'costLayout'] as const)
      if (settings[key] !== of[key]) return `its ${key} is ${settings[key]}, not ${of[key]}`
    for (const { name, room, probe, cost, ledger, boundaries } of document.schemes)
      for (const { pageType } of [...room, ...probe, ...cost, ...ledger, ...boundaries])
        if (!own.has(`${name} ${pageType}`)) return `${name} on ${pageType} is another shard's`
    return undefined
  },
  join: (_options, parts) => joinedCompare(parts),
}
