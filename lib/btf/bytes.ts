import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { describe } from '../base/describe.ts'
import { btfFault } from './fault.ts'

const nonBlocking = constants.O_RDONLY | constants.O_NONBLOCK

/** Something that is read in parts: of a vmlinux with debugging information only the BTF is wanted. */
export interface Bytes {
  /** For messages. */
  readonly name: string
  readonly size: number
  /** Exactly these bytes; refuses what lies outside. */
  read(at: number, length: number): Promise<Buffer>
}

function checkRange(size: number, at: number, length: number): void {
  if (at < 0 || length < 0 || !Number.isSafeInteger(at + length) || at + length > size)
    throw btfFault(`a part at ${at} of ${length} bytes`, `within the file's ${size} bytes`)
}

export function bytesOf(buffer: Buffer, name: string): Bytes {
  return {
    name,
    size: buffer.length,
    read: async (at, length) => {
      checkRange(buffer.length, at, length)
      return buffer.subarray(at, at + length)
    },
  }
}

const cannotRead = (path: string, argument: string, cause: unknown) =>
  btfFault(`${describe(path)}, which cannot be read`, 'a file that can', {
    argument,
    cause,
    errno: (cause as { code?: string }).code,
  })

/** Opens a file for the time of `use`. Refuses what is no file: a pipe has no end. */
export async function withFile<Result>(
  path: string,
  argument: string,
  use: (bytes: Bytes) => Promise<Result>,
): Promise<Result> {
  // Without NONBLOCK, opening a pipe would wait for a writer.
  const handle = await open(path, nonBlocking).catch((cause) => {
    throw cannotRead(path, argument, cause)
  })
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw btfFault(`${describe(path)}, which is no regular file`, 'a file', { argument })
    return await use({
      name: path,
      size: stat.size,
      read: async (at, length) => {
        checkRange(stat.size, at, length)
        const buffer = Buffer.alloc(length)
        for (let done = 0; done < length; ) {
          const { bytesRead } = await handle.read(buffer, done, length - done, at + done).catch((cause) => {
            throw cannotRead(path, argument, cause)
          })
          if (bytesRead === 0) throw btfFault('a file that became shorter', `its ${stat.size} bytes`)
          done += bytesRead
        }
        return buffer
      },
    })
  } finally {
    await handle.close()
  }
}
