import { z } from 'zod'
import { array, options as checkedOptions } from '../../base/args.ts'
import { wasAborted } from '../../engine/poll.ts'
import { PageboxError } from '../../errors.ts'
import { zooDocument, type ZooRow } from '../../zoo/document.ts'
import { zoo, zooEntry } from '../../zoo/entries.ts'
import { runZooEntry } from '../../zoo/runZooEntry.ts'
import type { ZooResult } from '../../zoo/zooTypes.ts'
import { isOwn } from '../shard.ts'
import type { OnePart, RanPart, RunContext, Sharded } from '../command.ts'
import { packedObject, unpacked } from '../plain.ts'
import { count, json, seconds, text, token } from '../shapes/common.ts'
import type { JsonObject, JsonValue, Shard } from '../types.ts'

const optionsShape = z.strictObject({ entries: z.array(text).min(1).max(1000) })
const idsOf = (options: JsonObject): string[] => (options as unknown as { entries: string[] }).entries
const ownIds = (options: JsonObject, shard: Shard): string[] => idsOf(options).filter((_, at) => isOwn(at, shard))

/** What `zoo --json` has of an entry that ran; what is known of it beforehand is not carried. */
const rowShape = z.strictObject({
  id: text,
  found: z.boolean(),
  runs: count.nullable(),
  outcome: text.nullable(),
  broken: text.nullable(),
  text: text.nullable(),
  seconds,
  shortestSteps: count.nullable(),
  shortestOps: count.nullable(),
  shortestSwitches: count.nullable(),
  scenario: json.nullable(),
  token: token.nullable(),
  replayed: z.boolean().nullable(),
  absentWhenFixed: z.boolean().nullable(),
  schedulesWhenFixed: count.nullable(),
  classesWhenFixed: count.nullable(),
  complete: z.boolean().nullable(),
  bound: count.nullable(),
  othersWhenFixed: z.array(text).max(1000),
  guarantee: text.nullable(),
  holds: z.boolean(),
  stoppedBy: z.enum(['done', 'abort']),
})
const partShape = z.strictObject({ entries: z.array(rowShape).max(1000) })

const carried = ({
  title: _,
  year: __,
  fix: ___,
  invariant: ____,
  explanation: _____,
  quirks: ______,
  scheme: _______,
  layout: ________,
  ...row
}: ZooRow) => row

/** All entries that ran, in the order in which they were asked for. */
export function joinedZoo(options: JsonObject, parts: readonly OnePart[]): ZooRow[] {
  const found = new Map<string, JsonObject>()
  for (const { part } of parts)
    for (const row of (unpacked(part) as { entries: JsonObject[] }).entries) found.set(row.id as string, row)
  return idsOf(options).flatMap((id) => {
    const row = found.get(id)
    if (row === undefined) return []
    const { title, year, fix, invariant, explanation, quirks, scheme, layout } = zooEntry(id)
    return [{ id, title, year, fix, invariant, explanation, quirks, scheme, layout, ...row } as unknown as ZooRow]
  })
}

async function run(
  options: JsonObject,
  shard: Shard,
  { signal, progressIntervalMs, onProgress }: RunContext,
): Promise<RanPart> {
  const results: ZooResult[] = []
  const ids = ownIds(options, shard)
  for (const id of ids) {
    if (wasAborted(signal)) break
    onProgress?.({ done: results.length, total: ids.length, what: id })
    try {
      results.push(
        await runZooEntry(id, {
          ...(signal !== undefined && { signal }),
          progressIntervalMs,
          onProgress: ({ phase }) => onProgress?.({ done: results.length, total: ids.length, what: `${id}: ${phase}` }),
        }),
      )
    } catch (error) {
      if (!(error instanceof PageboxError) || error.code !== 'ERR_PAGEBOX_ABORTED') throw error
    }
  }
  const { entries } = zooDocument(results)
  return {
    part: packedObject({ entries: entries.map(carried) }),
    done: results.length,
    stoppedBy: wasAborted(signal) ? 'abort' : 'end',
    findings: entries
      .filter(({ holds, stoppedBy }) => !holds && stoppedBy === 'done')
      .map(({ id, found, token: shown }) => ({
        signature: `zoo ${id}`,
        text: found ? `${id}: not repeated, or not absent without the bug` : `${id}: not found`,
        token: shown,
      })),
  }
}

export const zooShards: Sharded = {
  async complete(value) {
    const { entries } = checkedOptions(value, 'options', ['entries'] as const)
    const ids =
      entries === undefined
        ? zoo().map(({ id }) => id)
        : array(entries, 'options.entries', (id) => zooEntry(id as string).id)
    return { entries: [...new Set(ids)] }
  },
  readOptions(options: JsonValue) {
    for (const id of optionsShape.parse(options).entries) zooEntry(id)
  },
  names: () => ({ schemes: [], layouts: [] }),
  useful: (options) => idsOf(options).length,
  run,
  readPart(part: JsonValue) {
    partShape.parse(part)
  },
  lie(options, shard, part) {
    const own = ownIds(options, shard)
    const ids = (part as unknown as { entries: { id: string }[] }).entries.map(({ id }) => id)
    const other = ids.find((id) => !own.includes(id))
    if (other !== undefined) return `'${other}' is none of its entries: ${own.join(', ') || 'it has none'}`
    return new Set(ids).size === ids.length ? undefined : 'an entry is there twice'
  },
  join: (options, parts) => ({ entries: joinedZoo(options, parts) }),
}
