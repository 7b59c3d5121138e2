import { Box, type Device, type DeviceType, type Mapping, type Mm } from 'pagebox'
import { expect } from 'vitest'

/** Pages of a buffer, as in the kernel's tests. */
export const npages = 1024

/** What each test has: a process, and two devices of one kind. */
export interface Hmm {
  readonly box: Box
  readonly mm: Mm<Box>
  readonly device: Device<Box>
  readonly other: Device<Box>
}

/** Runs a test in a box of its own, which is clean afterwards. */
export function withHmm(type: DeviceType, run: (hmm: Hmm) => void): void {
  const box = Box.create({ pages: 1 << 14, hugetlbPages: 8 }) // as the recordings' kernel had
  try {
    const mm = box.createMm()
    const [device, other] = [box.addDevice({ type, pages: 2048 }), box.addDevice({ type, pages: 2048 })]
    device.open(mm)
    other.open(mm)
    run({ box, mm, device, other })
    box.audit().assertClean()
    device.remove()
    other.remove()
    mm.close()
    box.audit().assertClean()
  } finally {
    box.close()
  }
}

/** The kernel's tests fill a buffer with its 4-byte words' numbers. */
export function numbers(pages: number, step = 1): Uint8Array {
  const words = Uint32Array.from({ length: pages * 1024 }, (_, i) => i * step)
  return new Uint8Array(words.buffer)
}

export const zeros = (pages: number): Uint8Array => new Uint8Array(pages * 4096)

/** Whole buffers compared at once: a difference is shown by its place, not by megabytes. */
export function expectBytes(found: Uint8Array | null, wanted: Uint8Array): void {
  expect(found?.length).toBe(wanted.length)
  if (found === null || Buffer.compare(found, wanted) === 0) return
  const at = found.findIndex((byte, i) => byte !== wanted[i])
  expect.fail(`byte ${at} is ${found[at]}, not ${wanted[at]}`)
}

/** A buffer filled with numbers. */
export function filled(mm: Mm<Box>, pages = npages): { buf: Mapping<Box>; data: Uint8Array } {
  const buf = mm.mmap({ pages })
  const data = numbers(pages)
  buf.write(data)
  return { buf, data }
}
