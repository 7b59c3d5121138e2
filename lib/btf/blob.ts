import { btfFault } from './fault.ts'
import { headerBytes, kindNumber, kinds, magic, type KindName, typeBytes } from './kinds.ts'

/** Above what any kernel has: a tenth of this is usual. */
export const largestBtf = 64 * 1024 * 1024
const longestName = 511
/** Types of one name: a kernel has two or three where files of it declare their own. */
const mostOfOneName = 64

export type ByteOrder = 'little' | 'big'

interface Header {
  readonly byteOrder: ByteOrder
  readonly typesAt: number
  readonly typesEnd: number
  readonly stringsAt: number
  readonly stringsEnd: number
}

function readHeader(view: DataView): Header {
  const size = view.byteLength
  if (size < headerBytes) throw btfFault(`${size} bytes`, `a header of ${headerBytes} bytes`, { byte: 0 })
  const first = view.getUint16(0, true)
  const swapped = view.getUint16(0, false)
  if (first !== magic && swapped !== magic)
    throw btfFault(`a file that begins with 0x${swapped.toString(16).padStart(4, '0')}`, 'the magic 0xeb9f', {
      byte: 0,
    })
  const little = first === magic
  const version = view.getUint8(2)
  if (version !== 1) throw btfFault(`version ${version}`, 'version 1', { byte: 2 })
  const [length, typeOff, typeLen, strOff, strLen] = [4, 8, 12, 16, 20].map((at) => view.getUint32(at, little)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  if (length < headerBytes || length > size || length % 4 !== 0)
    throw btfFault(`a header of ${length} bytes`, `${headerBytes} to the file's ${size}, a multiple of 4`, { byte: 4 })
  const typesAt = length + typeOff
  const stringsAt = length + strOff
  if (typesAt % 4 !== 0 || typesAt + typeLen > size)
    throw btfFault(`types at ${typesAt} to ${typesAt + typeLen}`, `4-aligned, within the file's ${size} bytes`, {
      byte: 8,
    })
  if (strLen === 0 || stringsAt + strLen > size)
    throw btfFault(`strings at ${stringsAt} to ${stringsAt + strLen}`, `within the file's ${size} bytes`, { byte: 16 })
  if (typesAt < stringsAt + strLen && stringsAt < typesAt + typeLen)
    throw btfFault('types and strings that overlap', 'one behind the other', { byte: 8 })
  if (view.getUint8(stringsAt) !== 0 || view.getUint8(stringsAt + strLen - 1) !== 0)
    throw btfFault('strings without a NUL at both ends', 'NUL first and last', { byte: stringsAt })
  return {
    byteOrder: little ? 'little' : 'big',
    typesAt,
    typesEnd: typesAt + typeLen,
    stringsAt,
    stringsEnd: stringsAt + strLen,
  }
}

/** Bytes of the BTF that begins at `at`, by its header; 0: nothing there looks like BTF. For the search in an image. */
export function btfLengthAt(bytes: Buffer, at: number): number {
  if (at + headerBytes > bytes.length) return 0
  try {
    const rest = Math.min(bytes.length - at, largestBtf)
    const header = readHeader(new DataView(bytes.buffer, bytes.byteOffset + at, rest))
    const isEmpty = header.typesEnd === header.typesAt || header.stringsEnd - header.stringsAt < 2
    return isEmpty ? 0 : Math.max(header.typesEnd, header.stringsEnd)
  } catch {
    return 0
  }
}

/** One type as the file has it: where it lies, and its three words. */
export interface RawType {
  readonly id: number
  readonly kind: KindName
  readonly nameAt: number
  readonly vlen: number
  readonly kindFlag: boolean
  /** Of structs, unions, enums, integers; of the others a type id. */
  readonly sizeOrType: number
  /** Byte of what follows the three words. */
  readonly tailAt: number
}

/**
 * BTF bytes with an index of their types. One pass finds where each type lies, and checks that all of
 * them lie within the file; what a type says is read when it is asked for.
 */
export class BtfBlob {
  readonly byteOrder: ByteOrder
  /** Types, with `void` as type 0. */
  readonly count: number
  readonly #bytes: Buffer
  readonly #view: DataView
  readonly #header: Header
  readonly #offsets: Uint32Array
  readonly #names: Uint32Array
  readonly #kinds: Uint8Array
  /** Ids of each kind: of the hundred thousand types of a kernel few are structs, and fewer enums. */
  readonly #ofKind: number[][] = kinds.map(() => [])
  readonly #found = new Map<string, readonly number[]>()

  /** Keeps a copy, so that nobody changes what was checked. */
  constructor(source: Uint8Array) {
    if (source.byteLength > largestBtf)
      throw btfFault(`${source.byteLength} bytes`, `at most ${largestBtf} bytes of BTF`)
    this.#bytes = Buffer.from(source)
    const { buffer, byteOffset, byteLength } = this.#bytes
    this.#view = new DataView(buffer, byteOffset, byteLength)
    this.#header = readHeader(this.#view)
    this.byteOrder = this.#header.byteOrder
    const { typesAt, typesEnd } = this.#header
    const most = Math.floor((typesEnd - typesAt) / typeBytes) + 1
    this.#offsets = new Uint32Array(most)
    this.#names = new Uint32Array(most)
    this.#kinds = new Uint8Array(most)
    this.count = this.#index()
  }

  get #little(): boolean {
    return this.byteOrder === 'little'
  }

  #index(): number {
    const { typesAt, typesEnd, stringsAt, stringsEnd } = this.#header
    const view = this.#view
    const little = this.#little
    const strings = stringsEnd - stringsAt
    let id = 1
    for (let at = typesAt; at < typesEnd; id++) {
      if (at + typeBytes > typesEnd)
        throw btfFault('a type that is cut short', `${typeBytes} bytes`, { byte: at, type: id })
      const info = view.getUint32(at + 4, little)
      const number = (info >>> 24) & 0x7f
      const kind = kinds[number]
      if (kind === undefined) throw btfFault(`kind ${number}`, `1 to ${kinds.length - 1}`, { byte: at + 4, type: id })
      const name = view.getUint32(at, little)
      if (name >= strings)
        throw btfFault(
          `a name at ${name}`,
          `below ${strings}, the length of the strings (BTF of a module is of no use without its kernel's)`,
          { byte: at, type: id },
        )
      const bytes = typeBytes + kind.extra + kind.each * (info & 0xffffff)
      if (at + bytes > typesEnd)
        throw btfFault(`${info & 0xffffff} members in ${bytes} bytes`, `${typesEnd - at} bytes are left`, {
          byte: at + 4,
          type: id,
        })
      this.#offsets[id] = at
      this.#names[id] = name
      this.#kinds[id] = number
      ;(this.#ofKind[number] as number[]).push(id)
      at += bytes
    }
    return id
  }

  raw(id: number): RawType {
    if (!(id > 0 && id < this.count)) throw btfFault(`type ${id}`, `1 to ${this.count - 1}`)
    const at = this.#offsets[id] as number
    const info = this.u32(at + 4)
    return {
      id,
      kind: (kinds[this.#kinds[id] as number] as { name: KindName }).name,
      nameAt: this.u32(at),
      vlen: info & 0xffffff,
      kindFlag: info >>> 31 === 1,
      sizeOrType: this.u32(at + 8),
      tailAt: at + typeBytes,
    }
  }

  u32(at: number): number {
    return this.#view.getUint32(at, this.#little)
  }

  i32(at: number): number {
    return this.#view.getInt32(at, this.#little)
  }

  /** A name of printable characters; what is none is refused, so that it reaches no terminal. */
  name(offset: number, type: number): string {
    const { stringsAt, stringsEnd } = this.#header
    const at = stringsAt + offset
    if (at >= stringsEnd)
      throw btfFault(`a name at ${offset}`, `below ${stringsEnd - stringsAt}, the length of the strings`, { type })
    const end = this.#bytes.indexOf(0, at)
    if (end - at > longestName)
      throw btfFault(`a name of ${end - at} characters`, `at most ${longestName}`, { type, byte: at })
    const name = this.#bytes.toString('latin1', at, end)
    if (!/^[\w .*:<>(),[\]$-]*$/.test(name))
      throw btfFault('a name with characters that C has not', 'letters, digits and _', { type, byte: at })
    return name
  }

  /** An identifier of C, or '' where the type has no name. */
  identifier(offset: number, type: number): string {
    const name = this.name(offset, type)
    if (name !== '' && !/^[A-Za-z_]\w*$/.test(name))
      throw btfFault('a name that is no identifier', 'letters, digits and _', { type })
    return name
  }

  /** Ids of all types of that kind and name; names are compared where they lie, none is decoded. */
  find(name: string, ...of: readonly KindName[]): readonly number[] {
    const key = `${of.join()} ${name}`
    let found = this.#found.get(key)
    if (found === undefined) this.#found.set(key, (found = this.#search(name, of)))
    return found
  }

  #search(name: string, of: readonly KindName[]): number[] {
    const wanted = Buffer.from(`${name}\0`, 'latin1')
    const first = wanted[0] as number
    const { stringsAt, stringsEnd } = this.#header
    const [bytes, names, last] = [this.#bytes, this.#names, stringsEnd - wanted.length]
    const found: number[] = []
    for (const kind of of)
      for (const id of this.#ofKind[kindNumber(kind)] as number[]) {
        const at = stringsAt + (names[id] as number)
        if (bytes[at] !== first || at > last || found.length === mostOfOneName) continue
        if (bytes.compare(wanted, 0, wanted.length, at, at + wanted.length) === 0) found.push(id)
      }
    return found
  }
}
