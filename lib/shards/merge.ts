import { array, boolean, options, string } from '../base/args.ts'
import { joinedFindings, type OnePart } from './command.ts'
import { readShardDocument } from './document.ts'
import { shardFault } from './fault.ts'
import { canonical } from './plain.ts'
import { checkHere, shardedOf } from './request.ts'
import type { JsonObject, JsonValue, MergedDocument, MergeOptions, ShardDocument, ShardRequest } from './types.ts'

interface Named {
  readonly name: string
  readonly document: ShardDocument
}

const short = (value: JsonValue | undefined): string => {
  const text = value === undefined ? 'nothing' : canonical(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** What differs between the requests of two documents, both named. Undefined: nothing. */
function difference(one: Named, other: Named): string | undefined {
  const [a, b] = [one.document.request, other.document.request]
  if (a.hash === b.hash) return undefined
  const sides = (what: string, left: string, right: string): string =>
    `${one.name} is of ${what} ${left}, ${other.name} of ${right}`
  if (a.pagebox !== b.pagebox) return sides('pagebox', a.pagebox, b.pagebox)
  if (a.tables !== b.tables) return sides('an addon with tables', a.tables, b.tables)
  if (a.command !== b.command) return sides('', a.command, b.command).replace('of  ', 'of ')
  for (const key of [...new Set([...Object.keys(a.options), ...Object.keys(b.options)])].sort()) {
    const [left, right] = [a.options[key], b.options[key]]
    if (canonical(left ?? null) !== canonical(right ?? null)) return sides(key, short(left), short(right))
  }
  return sides(
    'definitions',
    short(a.definitions as unknown as JsonValue),
    short(b.definitions as unknown as JsonValue),
  )
}

function check(all: readonly Named[], allowMissing: boolean): number[] {
  const [first] = all as [Named]
  const { of } = first.document.shard
  const seen = new Map<number, Named>()
  for (const each of all) {
    const { index, of: parts } = each.document.shard
    const differs = difference(first, each)
    if (differs !== undefined)
      throw shardFault('documents', each.name, differs, 'shards of one command, with the same options, are allowed')
    if (parts !== of)
      throw shardFault(
        'documents',
        each.name,
        `${first.name} is one of ${of} shards, ${each.name} one of ${parts}`,
        'shards of one division are allowed',
      )
    const twin = seen.get(index)
    if (twin !== undefined)
      throw shardFault(
        'documents',
        each.name,
        `shard ${index}/${of} is there twice: ${twin.name} and ${each.name}`,
        'each shard once is allowed',
      )
    seen.set(index, each)
  }
  const missing: number[] = []
  for (let index = 1; index <= of; index++) if (!seen.has(index)) missing.push(index)
  if (missing.length > 0 && !allowMissing) {
    const listed = missing.slice(0, 20).join(', ') + (missing.length > 20 ? ` and ${missing.length - 20} more` : '')
    throw shardFault(
      'documents',
      missing.length,
      `of ${of} shards ${missing.length === 1 ? 'one is' : `${missing.length} are`} missing: ${listed}`,
      `all of them, 1 to ${of}, are allowed`,
    )
  }
  return missing
}

export interface Joined {
  readonly merged: MergedDocument
  readonly request: ShardRequest
  /** In the order of their shards. */
  readonly parts: readonly OnePart[]
}

/** The same, with what the text of a command is made of. */
export function joinShards(
  documents: Iterable<ShardDocument>,
  { names = [], allowMissing = false }: MergeOptions = {},
): Joined {
  if (typeof documents !== 'object' || documents === null || typeof documents[Symbol.iterator] !== 'function')
    throw shardFault('documents', documents, 'they are none', 'an array of documents is allowed')
  const all = Array.from(documents, (document, i) => {
    const name = names[i] ?? `document ${i + 1}`
    return { name, document: readShardDocument(document, name) }
  })
  const [first] = all
  if (first === undefined) throw shardFault('documents', all, 'there are none', 'one document of each shard is allowed')
  const missing = check(all, allowMissing)
  all.sort((a, b) => a.document.shard.index - b.document.shard.index)
  const { request } = first.document
  checkHere(request)
  const parts = all.map(({ document }) => ({ shard: document.shard, part: document.part }))
  const total = (key: 'seconds' | 'done'): number => all.reduce((sum, { document }) => sum + document[key], 0)
  const document = shardedOf(request.command).join(request.options, parts)
  const merged: MergedDocument = {
    command: request.command,
    request,
    of: first.document.shard.of,
    missing,
    whole: missing.length === 0 && all.every((each) => each.document.stoppedBy === 'end'),
    seconds: total('seconds'),
    done: total('done'),
    findings: joinedFindings(all.flatMap((each) => each.document.findings)),
    document: jsonOf(document),
  }
  return { merged, request, parts }
}

/** As the command prints it: numbers that JSON can hold stay numbers, others become decimal text. */
const jsonOf = (document: object): JsonObject =>
  JSON.parse(
    JSON.stringify(document, (_key, value: unknown) => {
      if (typeof value !== 'bigint') return value
      const number = Number(value)
      return Number.isSafeInteger(number) ? number : String(value)
    }),
  ) as JsonObject

/**
 * Joins the documents of shards: the document is what one machine would have printed.
 *
 * @throws PageboxError `ERR_PAGEBOX_SHARD` for what differs (both sides are named), for a shard that is there twice,
 * and for missing ones
 */
export function mergeShards(documents: Iterable<ShardDocument>, value: MergeOptions = {}): MergedDocument {
  const given = options(value, 'options', ['names', 'allowMissing'] as const)
  return joinShards(documents, {
    names: given.names === undefined ? [] : array(given.names, 'options.names', string),
    allowMissing: given.allowMissing === undefined ? false : boolean(given.allowMissing, 'options.allowMissing'),
  }).merged
}
