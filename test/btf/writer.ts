/** Where a member goes: after the one before it, or in the same place in a union. */
export interface WrittenMember {
  name: string
  type: number
  /** Of a bit-field. */
  bits?: number
}

interface Written {
  name: string
  kind: number
  vlen: number
  kindFlag: boolean
  sizeOrType: number
  /** Words behind the first three. */
  tail: number[]
}

/** Writes BTF, as little or as much of it as a test needs. Knows nothing of the reader. */
export class BtfWriter {
  readonly order: 'little' | 'big'
  readonly wordBytes: 4 | 8
  readonly types: Written[] = []
  readonly #sizes: number[] = [0]
  readonly #aligns: number[] = [1]
  #strings = '\0'

  constructor(order: 'little' | 'big' = 'little', wordBytes: 4 | 8 = 8) {
    this.order = order
    this.wordBytes = wordBytes
  }

  #add(type: Partial<Written> & { kind: number }, size: number, align: number): number {
    this.types.push({ name: '', vlen: 0, kindFlag: false, sizeOrType: 0, tail: [], ...type })
    this.#sizes.push(size)
    this.#aligns.push(align)
    return this.types.length
  }

  /** Any type at all, for what is wrong on purpose. */
  raw(type: Partial<Written> & { kind: number }): number {
    return this.#add(type, 4, 4)
  }

  int(name: string, bytes: number, bits = bytes * 8, shift = 0): number {
    return this.#add({ kind: 1, name, sizeOrType: bytes, tail: [(shift << 16) | bits] }, bytes, bytes)
  }

  ptr(target = 0): number {
    return this.#add({ kind: 2, sizeOrType: target }, this.wordBytes, this.wordBytes)
  }

  array(element: number, length: number): number {
    const [size, align] = [(this.#sizes[element] as number) * length, this.#aligns[element] as number]
    return this.#add({ kind: 3, tail: [element, element, length] }, size, align)
  }

  typedef(name: string, target: number): number {
    return this.#add(
      { kind: 8, name, sizeOrType: target },
      this.#sizes[target] as number,
      this.#aligns[target] as number,
    )
  }

  constant(target: number): number {
    return this.#add({ kind: 10, sizeOrType: target }, this.#sizes[target] as number, this.#aligns[target] as number)
  }

  fwd(name: string): number {
    return this.#add({ kind: 7, name }, 0, 1)
  }

  enum(name: string, values: Record<string, number>): number {
    const entries = Object.entries(values)
    const tail = entries.flatMap(([value, number]) => [this.string(value), number])
    return this.#add({ kind: 6, name, vlen: entries.length, sizeOrType: 4, tail }, 4, 4)
  }

  enum64(name: string, values: Record<string, bigint>): number {
    const entries = Object.entries(values)
    const tail = entries.flatMap(([value, number]) => [
      this.string(value),
      Number(number & 0xffffffffn),
      Number((number >> 32n) & 0xffffffffn),
    ])
    return this.#add({ kind: 19, name, vlen: entries.length, sizeOrType: 8, tail }, 8, 8)
  }

  struct(name: string, members: readonly WrittenMember[]): number {
    return this.#composite(4, name, members)
  }

  union(name: string, members: readonly WrittenMember[]): number {
    return this.#composite(5, name, members)
  }

  #composite(kind: 4 | 5, name: string, members: readonly WrittenMember[]): number {
    let end = 0
    let size = 0
    let align = 1
    const tail: number[] = []
    const kindFlag = members.some(({ bits }) => bits !== undefined)
    for (const { name: member, type, bits } of members) {
      const [own, by] = [(this.#sizes[type] as number) * 8, (this.#aligns[type] as number) * 8]
      if (kind === 5) end = 0
      // A bit-field goes on where the one before ended; all else to its alignment.
      const at = bits === undefined ? Math.ceil(end / by) * by : end
      tail.push(this.string(member), type, kindFlag ? ((bits ?? 0) << 24) | at : at)
      end = at + (bits ?? own)
      size = Math.max(size, end)
      align = Math.max(align, by / 8)
    }
    const bytes = Math.ceil(size / 8 / align) * align
    return this.#add({ kind, name, vlen: members.length, kindFlag, sizeOrType: bytes, tail }, bytes, align)
  }

  sizeOf(type: number): number {
    return this.#sizes[type] as number
  }

  string(text: string): number {
    if (text === '') return 0
    const at = this.#strings.indexOf(`\0${text}\0`)
    if (at >= 0) return at + 1
    this.#strings += `${text}\0`
    return this.#strings.length - text.length - 1
  }

  toBuffer(): Buffer {
    const words: number[] = []
    for (const { name, kind, vlen, kindFlag, sizeOrType, tail } of this.types)
      words.push(this.string(name), ((kindFlag ? 1 : 0) * 2 ** 31 + kind * 2 ** 24 + vlen) >>> 0, sizeOrType, ...tail)
    const strings = Buffer.from(this.#strings, 'latin1')
    const blob = Buffer.alloc(24 + words.length * 4 + strings.length)
    const put = (value: number, at: number): void =>
      void (this.order === 'little' ? blob.writeUInt32LE(value >>> 0, at) : blob.writeUInt32BE(value >>> 0, at))
    if (this.order === 'little') blob.writeUInt16LE(0xeb9f, 0)
    else blob.writeUInt16BE(0xeb9f, 0)
    blob[2] = 1
    for (const [i, value] of [24, 0, words.length * 4, words.length * 4, strings.length].entries())
      put(value, 4 + i * 4)
    for (const [i, value] of words.entries()) put(value, 24 + i * 4)
    strings.copy(blob, 24 + words.length * 4)
    return blob
  }
}

/** An ELF file of these sections, and no more than a reader of sections needs. */
export function elf(
  sections: readonly { name: string; bytes: Buffer; type?: number; flags?: number }[],
  { is64 = true, order = 'little' as 'little' | 'big' } = {},
): Buffer {
  const little = order === 'little'
  const all = [{ name: '', bytes: Buffer.alloc(0), type: 0 }, ...sections]
  const names = Buffer.from(`${all.map(({ name }) => name).join('\0')}\0.shstrtab\0`, 'latin1')
  all.push({ name: '.shstrtab', bytes: names, type: 3 })
  const head = Buffer.alloc(is64 ? 64 : 52)
  const entry = is64 ? 64 : 40
  const u16 = (to: Buffer, value: number, at: number) =>
    little ? to.writeUInt16LE(value, at) : to.writeUInt16BE(value, at)
  const u32 = (to: Buffer, value: number, at: number) =>
    little ? to.writeUInt32LE(value, at) : to.writeUInt32BE(value, at)
  const word = (to: Buffer, value: number, at: number) => {
    if (!is64) u32(to, value, at)
    else if (little) to.writeBigUInt64LE(BigInt(value), at)
    else to.writeBigUInt64BE(BigInt(value), at)
  }
  head.write('\x7fELF', 'latin1')
  head[4] = is64 ? 2 : 1
  head[5] = little ? 1 : 2
  head[6] = 1
  const table = Buffer.alloc(entry * all.length)
  let at = head.length
  let nameAt = 0
  for (const [i, { name, bytes, type = 1, flags = 0 }] of (
    all as { name: string; bytes: Buffer; type?: number; flags?: number }[]
  ).entries()) {
    const own = i * entry
    u32(table, nameAt, own)
    u32(table, type, own + 4)
    word(table, flags, own + 8)
    word(table, at, own + (is64 ? 24 : 16))
    word(table, bytes.length, own + (is64 ? 32 : 20))
    at += bytes.length
    nameAt += name.length + 1
  }
  word(head, at, is64 ? 40 : 32)
  const counts = is64 ? 58 : 46
  u16(head, entry, counts)
  u16(head, all.length, counts + 2)
  u16(head, all.length - 1, counts + 4)
  return Buffer.concat([head, ...all.map(({ bytes }) => bytes), table])
}
