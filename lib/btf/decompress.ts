import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { btfFault } from './fault.ts'
import { zstdFrameLength } from './zstdFrame.ts'

/** A kernel is a tenth of this. */
export const largestImage = 256 * 1024 * 1024

/**
 * What one file may cost, however it nests and however many of its parts look compressed: a kernel is one part, of a
 * tenth of these bytes.
 */
export interface Budget {
  tries: number
  bytes: number
}

export const newBudget = (): Budget => ({ tries: 128, bytes: 2 * largestImage })

const tooLarge = new Error('more than is allowed')

/** What comes out at the start of `bytes`, and how much of them it took. What fails costs what it has made until then. */
async function runThrough(
  stream: Transform & { bytesWritten: number },
  bytes: Buffer,
  budget: Budget,
): Promise<{ buffer: Buffer; taken: number }> {
  const most = Math.min(largestImage, budget.bytes)
  const parts: Buffer[] = []
  let length = 0
  stream.end(bytes)
  for await (const part of stream as AsyncIterable<Buffer>) {
    budget.bytes -= part.length
    length += part.length
    if (length > most) throw tooLarge
    parts.push(part)
  }
  return { buffer: Buffer.concat(parts, length), taken: stream.bytesWritten }
}

type Decompress = (input: Buffer, budget: Budget) => Promise<Buffer>

const chunkSize = 1 << 18

/** zlib has had zstd since Node 22.15 and 23.8. */
const zstd = (zlib as unknown as { createZstdDecompress?: (options: object) => zlib.Gunzip }).createZstdDecompress

/** Bytes of a gzip header at the start of `bytes`; past its end where it is cut short. */
function gzipHeader(bytes: Buffer): number {
  const flags = bytes[3] ?? 0
  let at = 10
  if ((flags & 4) !== 0) at += 2 + (at + 2 <= bytes.length ? bytes.readUInt16LE(at) : 0)
  // A file name and a comment, each up to its NUL.
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue
    const end = bytes.indexOf(0, at)
    at = end < 0 ? bytes.length : end + 1
  }
  return (flags & 2) === 0 ? at : at + 2
}

/**
 * The first member of a gzip file. `gunzip` takes what follows it for a further member, and in an image
 * there is always something.
 */
async function gunzipFirst(bytes: Buffer, budget: Budget): Promise<Buffer> {
  const header = gzipHeader(bytes)
  const { buffer, taken } = await runThrough(zlib.createInflateRaw({ chunkSize }), bytes.subarray(header), budget)
  const end = header + taken + 8
  if (end > bytes.length || bytes.readUInt32LE(end - 4) !== buffer.length % 2 ** 32)
    throw new Error('the length at the end of gzip is another')
  return buffer
}

const unzstdFirst =
  (create: NonNullable<typeof zstd>): Decompress =>
  async (bytes, budget) =>
    (await runThrough(create({ chunkSize }), bytes.subarray(0, zstdFrameLength(bytes)), budget)).buffer

interface Format {
  readonly name: string
  readonly magic: Buffer
  readonly decompress?: Decompress | undefined
  /** What a shell has for it. */
  readonly tool: string
}

const format = (name: string, magic: number[], tool: string, decompress?: Decompress): Format => ({
  name,
  magic: Buffer.from(magic),
  tool,
  decompress,
})

/** What kernels are compressed with. */
export const formats: readonly Format[] = [
  format('gzip', [0x1f, 0x8b, 0x08], 'gzip -dc', gunzipFirst),
  format('zstd', [0x28, 0xb5, 0x2f, 0xfd], 'zstd -dc', zstd && unzstdFirst(zstd)),
  format('xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'xz -dc'),
  format('lz4', [0x02, 0x21, 0x4c, 0x18], 'lz4 -dc'),
  format('lzma', [0x5d, 0x00, 0x00], 'lzma -dc'),
  format('bzip2', [0x42, 0x5a, 0x68], 'bzip2 -dc'),
  format('lzo', [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d], 'lzop -dc'),
]

export const formatAt = (bytes: Buffer, at: number): Format | undefined =>
  formats.find(({ magic }) => bytes.subarray(at, at + magic.length).equals(magic))

/** What this process cannot decompress, and what to give instead. */
export const cannotDecompress = ({ name, tool }: Format) =>
  btfFault(
    `a kernel compressed with ${name}`,
    `gzip${zstd === undefined ? ' (zstd from Node 22.15 on)' : ' or zstd'}; give /sys/kernel/btf/vmlinux of that kernel, or what \`${tool}\` or the kernel's scripts/extract-vmlinux makes of the image`,
  )

/** The contents of a compressed file that begins where `bytes` do. What follows it is ignored. */
export async function decompress(bytes: Buffer, budget: Budget): Promise<Buffer> {
  const found = formatAt(bytes, 0)
  if (found === undefined) throw btfFault('what is not compressed', formats.map(({ name }) => name).join(', '))
  if (found.decompress === undefined) throw cannotDecompress(found)
  if (budget.tries-- <= 0) throw btfFault('a file with too many compressed parts', 'an image with one kernel in it')
  try {
    return await found.decompress(bytes, budget)
  } catch (cause) {
    if (cause === tooLarge) {
      const most = budget.bytes < 0 ? `${2 * largestImage} in all` : `${largestImage}`
      throw btfFault(`${found.name} of more than ${most} bytes`, `at most ${largestImage}`, { cause })
    }
    throw btfFault(`${found.name} that is damaged or cut short`, `a whole ${found.name} file`, { cause })
  }
}
