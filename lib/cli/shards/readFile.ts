import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import type { ShardDocument } from '../../shards/types.ts'
import { UsageError } from '../failure.ts'

/** A document has kilobytes, with many schedules to be told apart a megabyte; what is larger is none. */
const largest = 2 ** 27

/** What a file holds as JSON, unchecked beyond that. */
export function readDocument(file: string): ShardDocument {
  let fd: number | undefined
  try {
    fd = openSync(file, 'r')
    const found = fstatSync(fd)
    // A pipe might never end.
    if (!found.isFile()) throw new Error('it is no regular file')
    if (found.size > largest) throw new Error(`it has ${found.size} bytes; at most ${largest} are read`)
    return JSON.parse(readFileSync(fd, 'utf8')) as ShardDocument
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}; a document of --shard I/N --json is allowed`)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
