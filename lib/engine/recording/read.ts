import { createGunzip } from 'node:zlib'
import { z } from 'zod'
import { inputStream } from '../../base/inputStream.ts'
import { PageboxError } from '../../errors.ts'
import { type ConcurrentRecording, isConcurrent, type Recording } from './types.ts'

const recordingSchema = z.strictObject({
  name: z.string().min(1),
  note: z.string().optional(),
  profile: z.string().optional(),
  kernel: z.string().optional(),
  thp: z.string().optional(),
  kwarn: z.string().optional(),
  ops: z.array(z.looseObject({ op: z.string().min(1) })),
  results: z.array(z.record(z.string(), z.unknown())),
})

const opSchema = z.looseObject({ op: z.string().min(1) })
const resultSchema = z.record(z.string(), z.unknown())
const concurrentSchema = z.strictObject({
  id: z.string().min(1),
  kind: z.literal('outcomes'),
  kernel: z.string().optional(),
  thp: z.string().optional(),
  kwarn: z.string().optional(),
  note: z.string().optional(),
  setup: z.array(opSchema),
  setup_results: z.array(resultSchema),
  threads: z
    .array(z.strictObject({ proc: z.string().optional(), ops: z.array(opSchema).min(1) }))
    .min(1)
    .max(8),
  after: z.array(opSchema),
  recordings: z.number().optional(),
  runs: z.number().optional(),
  dropped: z.number().optional(),
  crashes: z.number().optional(),
  seen: z.array(
    z.strictObject({
      count: z.number(),
      serial: z.array(z.string()).optional(),
      results: z.array(z.array(resultSchema)),
      after: z.array(resultSchema),
    }),
  ),
})

/**
 * Reads a file of recordings, one JSON object a line, gzipped if its name ends in `.gz`. Scenarios
 * come as they are read, so that a file of any size takes little memory.
 *
 * @throws PageboxError `ERR_PAGEBOX_RECORDING` if the file cannot be read, is cut off, holds a line
 * that is not JSON, or is of another format; the message names file and line.
 * @param signal Ends it early, also while a pipe gives nothing.
 */
export async function* readLines(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Recording | ConcurrentRecording, void, undefined> {
  const bytes = inputStream(path, signal, path.endsWith('.gz') ? createGunzip() : undefined)
  let number = 0
  try {
    for await (const line of linesOf(bytes)) {
      number += 1
      if (line.trim() !== '') yield parseLine(line, `${path}:${number}`)
    }
  } catch (error) {
    if (error instanceof PageboxError) throw error
    if (signal?.aborted) return
    const where = number === 0 ? path : `${path}, after line ${number}`
    throw invalid(`${where}: ${(error as Error).message}`, error)
  } finally {
    bytes.destroy()
  }
  if (number === 0) throw invalid(`${path}: the file is empty; expected one JSON object a line`)
}

/** A line that is longer than this is no recording, and V8 has no string for twice as much. */
const longestLine = 2 ** 28

/** The lines of a stream of bytes, the last one with or without its end. */
async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = []
  let length = 0
  const line = (): string => {
    const text = Buffer.concat(parts).toString('utf8')
    parts = []
    length = 0
    return text
  }
  const keep = (part: Buffer): void => {
    length += part.length
    if (length > longestLine) throw new RangeError(`a line of more than ${longestLine} bytes`)
    parts.push(part)
  }
  for await (const chunk of bytes) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      keep(chunk.subarray(from, end))
      from = end + 1
      yield line()
    }
    keep(chunk.subarray(from))
  }
  if (length > 0) yield line()
}

const deepest = 16

/** Whether something is nested deeper than any recording is; without a stack of its own depth. */
function isDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []))
  }
  return false
}

/**
 * One line of a recording.
 *
 * @param where file and line, for the message.
 * @throws PageboxError `ERR_PAGEBOX_RECORDING`
 */
export function parseLine(line: string, where: string): Recording | ConcurrentRecording {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (error) {
    throw invalid(`${where}: not JSON, or cut off (${(error as Error).message})`, error)
  }
  if (isDeep(json)) throw invalid(`${where}: not a recording of this format: nested more than ${deepest} deep`)
  if (typeof json === 'object' && json !== null && 'kind' in json) return parseConcurrent(json, where)
  const parsed = recordingSchema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const at = issue?.path.join('.') || 'the line'
    throw invalid(`${where}: not a recording of this format: ${at}: ${issue?.message}`)
  }
  const { ops, results } = parsed.data
  if (ops.length !== results.length) throw invalid(`${where}: ${ops.length} operations but ${results.length} results`)
  return parsed.data as Recording
}

const sequential = (line: Recording | ConcurrentRecording, where: string): Recording => {
  if (isConcurrent(line))
    throw invalid(`${where}: ${line.id} is a concurrent recording, not one of operations in order`)
  return line
}

/** As {@link parseLine}, of operations that ran in order. */
export const parseRecording = (line: string, where: string): Recording => sequential(parseLine(line, where), where)

/** As {@link readLines}, of operations that ran in order. */
export async function* readRecordings(path: string, signal?: AbortSignal): AsyncGenerator<Recording, void, undefined> {
  for await (const line of readLines(path, signal)) yield sequential(line, path)
}

function parseConcurrent(json: object, where: string): ConcurrentRecording {
  const parsed = concurrentSchema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const at = issue?.path.join('.') || 'the line'
    throw invalid(`${where}: not a concurrent recording of this format: ${at}: ${issue?.message}`)
  }
  const { setup, setup_results, threads, after, seen } = parsed.data
  const differ = (name: string, ops: readonly unknown[], results: readonly unknown[]): void => {
    if (ops.length !== results.length)
      throw invalid(`${where}: ${name}: ${ops.length} operations but ${results.length} results`)
  }
  differ('setup', setup, setup_results)
  for (const [i, outcome] of seen.entries()) {
    if (outcome.results.length !== threads.length)
      throw invalid(`${where}: seen[${i}]: ${threads.length} threads but results of ${outcome.results.length}`)
    for (const [t, { ops }] of threads.entries()) differ(`seen[${i}], thread ${t}`, ops, outcome.results[t] ?? [])
    differ(`seen[${i}], after`, after, outcome.after)
    const orders = threads.map((_, t) => t).join('')
    for (const order of outcome.serial ?? [])
      if ([...order].sort().join('') !== orders)
        throw invalid(`${where}: seen[${i}]: serial: '${order}' is no order of ${threads.length} threads`)
  }
  return parsed.data as ConcurrentRecording
}

function invalid(message: string, cause?: unknown): PageboxError {
  return new PageboxError('ERR_PAGEBOX_RECORDING', message, { argument: 'file', cause })
}
