import { setImmediate } from 'node:timers/promises'
import { largestBtf, btfLengthAt } from './blob.ts'
import { type Bytes, bytesOf } from './bytes.ts'

import { type Budget, cannotDecompress, decompress, formatAt, formats, largestImage, newBudget } from './decompress.ts'
import { btfOfElf, isElf } from './elf.ts'
import { btfFault } from './fault.ts'

/** Compressed data in an image is tried that often: the magics are short, and stand in other data too. */
const mostTries = 32
/** A vmlinuz.gz of a vmlinuz: no more. */
const deepest = 3

const startsLikeBtf = (head: Buffer): boolean =>
  head.length >= 2 && (head.readUInt16LE(0) === 0xeb9f || head.readUInt16BE(0) === 0xeb9f)

/** The BTF of a file: raw, in an ELF file, in a kernel image, compressed or not. */
export async function findBtf(bytes: Bytes, depth = 0, budget = newBudget()): Promise<Buffer> {
  if (depth > deepest) throw btfFault('compressed files in compressed files', `at most ${deepest}`)
  const head = await bytes.read(0, Math.min(bytes.size, 1024))
  if (startsLikeBtf(head)) {
    if (bytes.size > largestBtf) throw btfFault(`${bytes.size} bytes`, `at most ${largestBtf} bytes of BTF`)
    return bytes.read(0, bytes.size)
  }
  if (isElf(head)) return btfOfElf(bytes)
  if (bytes.size > largestImage)
    throw btfFault(`${bytes.size} bytes that are neither BTF nor ELF`, `kernel images of at most ${largestImage}`)
  const all = await bytes.read(0, bytes.size)
  const within = async (part: Buffer): Promise<Buffer> =>
    findBtf(bytesOf(await decompress(part, budget), bytes.name), depth + 1, budget)
  if (formatAt(all, 0) !== undefined) return within(all)
  const payload = payloadOf(all)
  if (payload !== undefined) return within(payload)
  return (await findBtfWithin(all)) ?? findCompressed(all, within, budget)
}

/** The compressed kernel of an image whose header says where it is. */
function payloadOf(image: Buffer): Buffer | undefined {
  const part = (at: number, length: number): Buffer | undefined =>
    at + length <= image.length && formatAt(image, at) !== undefined ? image.subarray(at, at + length) : undefined
  // x86's boot protocol, 2.08 and later.
  if (image.length > 0x250 && image.toString('latin1', 0x202, 0x206) === 'HdrS' && image.readUInt16LE(0x206) >= 0x208) {
    const setup = (image[0x1f1] || 4) + 1
    return part(setup * 512 + image.readUInt32LE(0x248), image.readUInt32LE(0x24c))
  }
  // EFI's zboot, of arm64, riscv and loongarch.
  if (image.length > 64 && image.toString('latin1', 4, 8) === 'zimg')
    return part(image.readUInt32LE(8), image.readUInt32LE(12))
  return undefined
}

/** Places of a pattern, in order. */
function* placesOf(bytes: Buffer, pattern: Buffer): Generator<number> {
  for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1)) yield at
}

/** BTF that lies in an image as it is: the largest, since BPF programs that are built in bring some of their own. */
async function findBtfWithin(image: Buffer): Promise<Buffer | undefined> {
  let found: Buffer | undefined
  for (const pattern of [Buffer.from([0x9f, 0xeb, 1, 0]), Buffer.from([0xeb, 0x9f, 1, 0])]) {
    let tries = 0
    // A search takes its time in a large file: others run in between.
    await setImmediate()
    for (const at of placesOf(image, pattern)) {
      if (++tries > mostTries * 32) break
      const length = btfLengthAt(image, at)
      if (length > (found?.length ?? 0)) found = image.subarray(at, at + length)
    }
  }
  return found
}

/** Tries what looks like compressed data, until one holds a kernel with BTF. */
async function findCompressed(
  image: Buffer,
  within: (part: Buffer) => Promise<Buffer>,
  budget: Budget,
): Promise<Buffer> {
  let damaged: unknown
  let unreadable: (typeof formats)[number] | undefined
  for (const format of formats) {
    // The magic of the others is too short to say anything in the middle of a file.
    if (format.magic.length < 3 || format.name === 'lzma' || format.name === 'bzip2') continue
    let tries = 0
    await setImmediate()
    for (const at of placesOf(image, format.magic)) {
      if (++tries > mostTries || budget.tries <= 0 || budget.bytes <= 0) break
      if (format.decompress === undefined) {
        unreadable ??= format
        break
      }
      try {
        return await within(image.subarray(at))
      } catch (error) {
        damaged ??= error
      }
    }
  }
  if (unreadable !== undefined) throw cannotDecompress(unreadable)
  throw btfFault(
    'a file without BTF',
    'raw BTF, an ELF file with .BTF, or a kernel image of one; of the running kernel, /sys/kernel/btf/vmlinux',
    { cause: damaged },
  )
}
