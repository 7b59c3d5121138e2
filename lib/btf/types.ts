import { BtfBlob, type RawType } from './blob.ts'
import { btfFault } from './fault.ts'
import type { KindName } from './kinds.ts'

/** A member of a struct or union as the file has it. */
export interface Member {
  /** '' for an unnamed one, whose members belong to the struct around it. */
  readonly name: string
  readonly type: number
  readonly bitOffset: number
  /** Of a bit-field; 0: the member has the size of its type. */
  readonly bitSize: number
}

export interface EnumValue {
  readonly name: string
  readonly value: bigint
}

export type BtfType =
  | { readonly kind: 'void' }
  | {
      readonly kind: 'int'
      readonly name: string
      readonly size: number
      readonly bits: number
      readonly shift: number
    }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | { readonly kind: 'ptr'; readonly target: number }
  | { readonly kind: 'array'; readonly element: number; readonly length: number }
  | {
      readonly kind: 'struct' | 'union'
      readonly name: string
      readonly size: number
      readonly members: readonly Member[]
    }
  | { readonly kind: 'enum'; readonly name: string; readonly size: number; readonly values: readonly EnumValue[] }
  | { readonly kind: 'fwd'; readonly name: string; readonly of: 'struct' | 'union' }
  /** `volatile`, `const`, `restrict` and type tags say nothing about the layout; nor does a typedef but its name. */
  | { readonly kind: 'alias'; readonly name: string; readonly target: number }
  | { readonly kind: 'other'; readonly what: KindName; readonly name: string; readonly target: number }

export type Composite = Extract<BtfType, { kind: 'struct' | 'union' }>

/** C allows more of each; no kernel comes near. Whatever a file says ends here. */
const deepestAlias = 64
const mostMembers = 16_384
const mostValues = 16_384
/** Of one type, in bytes. */
const largestSize = 2 ** 31

const aliases: ReadonlySet<KindName> = new Set(['typedef', 'volatile', 'const', 'restrict', 'type_tag'])

/** The types of a kernel. Each is decoded when it is asked for, and kept. */
export class Btf {
  readonly blob: BtfBlob
  readonly #decoded = new Map<number, BtfType>()
  #wordBytes: 4 | 8 | undefined

  constructor(source: Uint8Array) {
    this.blob = new BtfBlob(source)
  }

  get byteOrder(): 'little' | 'big' {
    return this.blob.byteOrder
  }

  type(id: number): BtfType {
    if (id === 0) return { kind: 'void' }
    let found = this.#decoded.get(id)
    if (found === undefined) {
      found = this.#decode(this.blob.raw(id))
      this.#decoded.set(id, found)
    }
    return found
  }

  #decode(raw: RawType): BtfType {
    const { blob } = this
    const { id, kind, tailAt, sizeOrType } = raw
    if (aliases.has(kind))
      return {
        kind: 'alias',
        name: kind === 'typedef' ? blob.identifier(raw.nameAt, id) : '',
        target: sizeOrType,
      }
    switch (kind) {
      case 'int': {
        const word = blob.u32(tailAt)
        const bits = word & 0xff
        const shift = (word >>> 16) & 0xff
        if (sizeOrType === 0 || sizeOrType > 16 || bits === 0 || shift + bits > sizeOrType * 8)
          throw btfFault(`an integer of ${bits} bits at ${shift} in ${sizeOrType} bytes`, '1 to 16 bytes', {
            type: id,
            byte: tailAt,
          })
        return { kind, name: blob.name(raw.nameAt, id), size: sizeOrType, bits, shift }
      }
      case 'float':
        return { kind, name: blob.name(raw.nameAt, id), size: this.#size(raw) }
      case 'ptr':
        return { kind, target: sizeOrType }
      case 'array':
        return { kind, element: blob.u32(tailAt), length: blob.u32(tailAt + 8) }
      case 'struct':
      case 'union':
        return { kind, name: blob.identifier(raw.nameAt, id), size: this.#size(raw), members: this.#members(raw) }
      case 'enum':
      case 'enum64':
        return { kind: 'enum', name: blob.identifier(raw.nameAt, id), size: this.#size(raw), values: this.#values(raw) }
      case 'fwd':
        return { kind, name: blob.identifier(raw.nameAt, id), of: raw.kindFlag ? 'union' : 'struct' }
      default:
        return { kind: 'other', what: kind, name: blob.name(raw.nameAt, id), target: sizeOrType }
    }
  }

  #size(raw: RawType): number {
    if (raw.sizeOrType > largestSize)
      throw btfFault(`a ${raw.kind} of ${raw.sizeOrType} bytes`, `at most ${largestSize}`, { type: raw.id })
    return raw.sizeOrType
  }

  #members({ id, vlen, tailAt, kindFlag, kind }: RawType): Member[] {
    if (vlen > mostMembers) throw btfFault(`a ${kind} of ${vlen} members`, `at most ${mostMembers}`, { type: id })
    const members: Member[] = []
    for (let i = 0; i < vlen; i++) {
      const at = tailAt + i * 12
      const offset = this.blob.u32(at + 8)
      members.push({
        name: this.blob.identifier(this.blob.u32(at), id),
        type: this.blob.u32(at + 4),
        bitOffset: kindFlag ? offset & 0xffffff : offset,
        bitSize: kindFlag ? offset >>> 24 : 0,
      })
    }
    return members
  }

  #values({ id, vlen, tailAt, kindFlag, kind }: RawType): EnumValue[] {
    if (vlen > mostValues) throw btfFault(`an enum of ${vlen} values`, `at most ${mostValues}`, { type: id })
    const values: EnumValue[] = []
    const wide = kind === 'enum64'
    for (let i = 0; i < vlen; i++) {
      const at = tailAt + i * (wide ? 12 : 8)
      const bits = BigInt(this.blob.u32(at + 4)) | (wide ? BigInt(this.blob.u32(at + 8)) << 32n : 0n)
      const value = kindFlag ? BigInt.asIntN(wide ? 64 : 32, bits) : bits
      values.push({ name: this.blob.identifier(this.blob.u32(at), id), value })
    }
    return values
  }

  /** The type itself, without typedefs and qualifiers. Refuses a circle of them. */
  resolve(id: number): { id: number; type: BtfType } {
    let at = id
    for (let steps = 0; steps < deepestAlias; steps++) {
      const type = this.type(at)
      if (type.kind !== 'alias') return { id: at, type }
      at = type.target
    }
    throw btfFault('typedefs without an end', `at most ${deepestAlias} one after another`, { type: id })
  }

  /** Size in bytes; what has none (void, a function, a forward declaration) is refused. */
  sizeOf(id: number): number {
    let factor = 1
    let at = id
    for (let steps = 0; steps < deepestAlias; steps++) {
      const { id: found, type } = this.resolve(at)
      if (type.kind === 'array') {
        factor *= type.length
        at = type.element
        if (factor > largestSize) break
        continue
      }
      const size = type.kind === 'ptr' ? this.wordBytes : 'size' in type ? type.size : undefined
      if (size === undefined)
        throw btfFault(`a member of a type without a size (${type.kind})`, 'a complete type', { type: found })
      if (factor * size > largestSize) break
      return factor * size
    }
    throw btfFault('a type too large, or arrays without an end', `at most ${largestSize} bytes`, { type: id })
  }

  /** Elements of an array and of the arrays in it. */
  elementsOf(id: number): number {
    let count = 1
    let at = id
    for (let steps = 0; steps < deepestAlias && count <= largestSize; steps++) {
      const { type } = this.resolve(at)
      if (type.kind !== 'array') return count
      count *= type.length
      at = type.element
    }
    throw btfFault('arrays without an end', `at most ${largestSize} elements`, { type: id })
  }

  /**
   * BTF does not say how wide a pointer is: `long` is as wide in every Linux ABI, and a `list_head` is
   * two of them.
   */
  get wordBytes(): 4 | 8 {
    if (this.#wordBytes === undefined) {
      const sizes = new Set<number>()
      for (const name of ['long unsigned int', 'unsigned long', 'long int', 'long'])
        for (const id of this.blob.find(name, 'int')) sizes.add(this.blob.raw(id).sizeOrType)
      for (const id of this.blob.find('list_head', 'struct')) sizes.add(this.blob.raw(id).sizeOrType / 2)
      const [size] = sizes
      if (sizes.size !== 1 || (size !== 4 && size !== 8))
        throw btfFault(
          `a word of ${sizes.size === 0 ? 'unknown size' : [...sizes].join(' and ')} bytes`,
          '`unsigned long` or `struct list_head` of words of 4 or 8 bytes',
        )
      this.#wordBytes = size
    }
    return this.#wordBytes
  }

  /** The struct or union of that name, if there is one with members. */
  composite(name: string, kind: 'struct' | 'union' = 'struct'): { id: number; type: Composite } | undefined {
    return this.composites(name, kind)[0]
  }

  /** All of that name: two may differ, where two files of the kernel declare one name. */
  composites(name: string, kind: 'struct' | 'union' = 'struct'): { id: number; type: Composite }[] {
    return this.blob.find(name, kind).map((id) => ({ id, type: this.type(id) as Composite }))
  }

  /** Whether there is any type of that name, were it an empty struct or a function. */
  has(name: string, ...of: readonly KindName[]): boolean {
    return this.blob.find(name, ...of).length > 0
  }

  /**
   * Values of a named enum; undefined: there is none. With `prefix`, of the one whose values are called so:
   * a driver may use the name too.
   */
  enumOf(name: string, prefix = ''): readonly EnumValue[] | undefined {
    for (const id of this.blob.find(name, 'enum', 'enum64')) {
      const type = this.type(id)
      if (type.kind === 'enum' && type.values.some((value) => value.name.startsWith(prefix))) return type.values
    }
    return undefined
  }
}
