import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { z } from 'zod'
import { PageboxError } from '../../errors.ts'
import type { Recording } from './types.ts'

const recordingSchema = z.strictObject({
  name: z.string().min(1),
  note: z.string().optional(),
  profile: z.string().optional(),
  kwarn: z.string().optional(),
  ops: z.array(z.looseObject({ op: z.string().min(1) })),
  results: z.array(z.record(z.string(), z.unknown())),
})

/**
 * Reads a file of recordings, one JSON object a line, gzipped if its name ends in `.gz`. Scenarios
 * come as they are read, so that a file of any size takes little memory.
 *
 * @throws PageboxError `ERR_PAGEBOX_RECORDING` if the file cannot be read, is cut off, holds a line
 * that is not JSON, or is of another format; the message names file and line.
 */
export async function* readRecordings(path: string): AsyncGenerator<Recording, void, undefined> {
  const file = createReadStream(path)
  const bytes = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  // pipe() does not pass errors on: a missing file would hang the reader.
  if (bytes !== file) file.on('error', (error: Error) => bytes.destroy(error))
  const lines = createInterface({ input: bytes, crlfDelay: Number.POSITIVE_INFINITY })
  let number = 0
  try {
    for await (const line of lines) {
      number += 1
      if (line.trim() !== '') yield parseRecording(line, `${path}:${number}`)
    }
  } catch (error) {
    if (error instanceof PageboxError) throw error
    const where = number === 0 ? path : `${path}, after line ${number}`
    throw invalid(`${where}: ${(error as Error).message}`, error)
  } finally {
    lines.close()
    file.destroy()
  }
  if (number === 0) throw invalid(`${path}: the file is empty; expected one JSON object a line`)
}

/**
 * One line of a recording.
 *
 * @param where file and line, for the message.
 * @throws PageboxError `ERR_PAGEBOX_RECORDING`
 */
export function parseRecording(line: string, where: string): Recording {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch (error) {
    throw invalid(`${where}: not JSON, or cut off (${(error as Error).message})`, error)
  }
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

function invalid(message: string, cause?: unknown): PageboxError {
  return new PageboxError('ERR_PAGEBOX_RECORDING', message, { argument: 'file', cause })
}
