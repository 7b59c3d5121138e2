import { constants, createReadStream, openSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Duplex, PassThrough, pipeline, type Readable } from 'node:stream'

const isPipe = (path: string): boolean => {
  try {
    return statSync(path).isFIFO()
  } catch {
    // Whoever opens it says why it cannot be.
    return false
  }
}

/**
 * The system's open() of a pipe waits for a writer, and nothing but the end of the process ends that wait: so the wait
 * is left to reading, which can be destroyed.
 */
function open(path: string): Readable {
  if (!isPipe(path)) return createReadStream(path)
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

/**
 * Bytes of a file, or of a pipe by its name: whoever destroys the stream, or aborts, closes the file; whatever fails
 * destroys the stream with its error.
 *
 * @param through What the bytes pass, to be unpacked. A stream behind the file's in any case: a file's does not end while
 * the system waits.
 */
export function inputStream(path: string, signal?: AbortSignal, through: Duplex = new PassThrough()): Readable {
  // Who reads gets the error.
  pipeline(open(path), through, () => {})
  return signal === undefined ? through : addAbortSignal(signal, through)
}
