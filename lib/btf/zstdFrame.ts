/**
 * Bytes of the zstd frame at the start of `bytes`; undefined: it is damaged or cut short. In a kernel image
 * other data follows, which a decompressor takes for a further frame.
 */
export function zstdFrameLength(bytes: Buffer): number | undefined {
  const descriptor = bytes[4]
  if (descriptor === undefined) return undefined
  const isSingle = (descriptor & 0x20) !== 0
  const hasChecksum = (descriptor & 4) !== 0
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number
  const contentSize = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] as number
  let at = 5 + (isSingle ? 0 : 1) + dictionary + contentSize
  for (let isLast = false; !isLast; ) {
    if (at + 3 > bytes.length) return undefined
    const header = bytes.readUIntLE(at, 3)
    isLast = (header & 1) !== 0
    const type = (header >> 1) & 3
    if (type === 3) return undefined
    // A block of one repeated byte holds that byte alone.
    at += 3 + (type === 1 ? 1 : header >> 3)
  }
  if (hasChecksum) at += 4
  return at <= bytes.length ? at : undefined
}
