import { constants, createReadStream, openSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'

const isPipe = (path: string): boolean => {
  try {
    return statSync(path).isFIFO()
  } catch {
    // Whoever opens it says why it cannot be.
    return false
  }
}

/**
 * Bytes of a file, or of a pipe by its name. The system's open() of a pipe waits for a writer, and nothing but the end
 * of the process ends that wait: so the wait is left to reading, which can be destroyed.
 */
export function inputStream(path: string): Readable {
  if (!isPipe(path)) return createReadStream(path)
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}
