import { createHash } from 'node:crypto'
import { z } from 'zod'
import { oneOf, string } from '../base/args.ts'
import { packageVersion } from '../native/load.ts'
import { tables } from '../native/tables.ts'
import { commands } from './commands.ts'
import type { Sharded } from './command.ts'
import { definitionsOf } from './definitions.ts'
import { shardFault } from './fault.ts'
import { canonical, packed } from './plain.ts'
import { type JsonObject, type JsonValue, type ShardedCommand, shardedCommands, type ShardRequest } from './types.ts'

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

let hashOfTables: string | undefined

/** Of all that the addon says it has. */
export function tablesHash(): string {
  hashOfTables ??= sha256(canonical(packed(tables()))).slice(0, 16)
  return hashOfTables
}

export const hashOfRequest = ({ hash: _, ...rest }: ShardRequest): string =>
  sha256(canonical(rest as unknown as JsonValue))

export function shardedOf(command: unknown): Sharded {
  return commands[oneOf(command, 'command', shardedCommands)]
}

/**
 * A long command as data: options checked and complete, own schemes and layouts taken in, hashed.
 *
 * @throws PageboxError as the command itself
 */
export async function shardRequest(command: ShardedCommand, options: object): Promise<ShardRequest> {
  const sharded = shardedOf(command)
  const complete = await sharded.complete(options)
  const request = {
    kind: 'pagebox-shard-request' as const,
    command,
    pagebox: packageVersion(),
    tables: tablesHash(),
    options: complete,
    definitions: definitionsOf(sharded.names(complete)),
    hash: '',
  }
  return { ...request, hash: hashOfRequest(request) }
}

const object = z.record(z.string(), z.json())

export const requestShape = z.strictObject({
  kind: z.literal('pagebox-shard-request'),
  command: z.enum(shardedCommands),
  pagebox: z.string().max(64),
  tables: z.string().regex(/^[0-9a-f]{16}$/),
  options: object,
  definitions: z.strictObject({ schemes: z.array(object).max(1000), layouts: z.array(object).max(1000) }),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
})

/** The first thing that is wrong, with where it is. */
export function issueText(error: unknown): string {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues
    return `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'wrong'}`
  }
  return error instanceof Error ? error.message : String(error)
}

/**
 * Checks every field of a foreign request. What it says is not run.
 *
 * @throws PageboxError `ERR_PAGEBOX_SHARD`
 */
export function readShardRequest(value: unknown, argument = 'request'): ShardRequest {
  string(argument, 'argument')
  const fault = (what: string): Error =>
    shardFault(argument, value, what, 'a request as shardRequest() makes it is allowed')
  const parsed = requestShape.safeParse(value)
  if (!parsed.success) throw fault(issueText(parsed.error))
  const request = parsed.data as unknown as ShardRequest
  if (hashOfRequest(request) !== request.hash) throw fault('its hash is another: it was altered, or cut')
  try {
    shardedOf(request.command).readOptions(request.options)
  } catch (error) {
    throw fault(`options: ${issueText(error)}`)
  }
  return request
}

/** @throws PageboxError `ERR_PAGEBOX_SHARD` that names both sides */
export function checkHere(request: ShardRequest): void {
  const differences = [
    ...(request.pagebox === packageVersion()
      ? []
      : [`it is of pagebox ${request.pagebox}, this is ${packageVersion()}`]),
    ...(request.tables === tablesHash() ? [] : [`its addon has tables ${request.tables}, this one ${tablesHash()}`]),
  ]
  if (differences.length > 0)
    throw shardFault('request', request.pagebox, differences.join('; '), 'the same pagebox on all machines is allowed')
}

/**
 * Into how many shards the command can be cut, at most.
 *
 * @throws PageboxError `ERR_PAGEBOX_SHARD`
 */
export function usefulShards(value: ShardRequest): number {
  const { command, options } = readShardRequest(value)
  return Math.max(1, shardedOf(command).useful(options as JsonObject))
}
