import { btfFault } from './fault.ts'
import type { Btf, Composite, Member } from './types.ts'

const deepest = 24
/** Of one struct, all the unnamed ones within it included. */
const mostFound = 4096

/** A member as the struct's user sees it: through the unnamed structs and unions around it. */
export interface Found {
  readonly name: string
  readonly type: number
  /** From the start of the struct that was asked. */
  readonly bitOffset: number
  readonly bits: number
  /** Whether it is a bit-field. */
  readonly isBitField: boolean
  /**
   * The unnamed composites that lie around it, from the outermost: each with which member of its parent
   * it is. Two members are alternatives where they part in a union.
   */
  readonly path: readonly { readonly union: boolean; readonly index: number }[]
}

/** Bit from which a member lies, and its width. A bit-field of the old form hides its bits in its type. */
function rangeOf(btf: Btf, member: Member): { first: number; bits: number; isBitField: boolean } {
  if (member.bitSize !== 0) return { first: member.bitOffset, bits: member.bitSize, isBitField: true }
  const { type } = btf.resolve(member.type)
  if (type.kind === 'int' && (type.bits !== type.size * 8 || type.shift !== 0) && type.name !== '_Bool')
    return { first: member.bitOffset + type.shift, bits: type.bits, isBitField: true }
  // An array without a length at the end of a struct has no bytes; whoever asks for its size gets none.
  return { first: member.bitOffset, bits: btf.sizeOf(member.type) * 8, isBitField: false }
}

const read = new WeakMap<Btf, Map<number, readonly Found[]>>()

/** All named members, those of unnamed members included. Refuses what lies outside the struct. */
export function membersOf(btf: Btf, id: number): readonly Found[] {
  let known = read.get(btf)
  if (known === undefined) read.set(btf, (known = new Map()))
  let members = known.get(id)
  if (members === undefined) known.set(id, (members = readMembers(btf, id)))
  return members
}

function readMembers(btf: Btf, id: number): Found[] {
  const found: Found[] = []
  let visited = 0
  const outer = btf.resolve(id).type
  if (outer.kind !== 'struct' && outer.kind !== 'union')
    throw btfFault(`a ${outer.kind}`, 'a struct or union', { type: id })

  const visit = (of: Composite, ofId: number, base: number, path: Found['path']): void => {
    if (path.length > deepest)
      throw btfFault('unnamed members without an end', `at most ${deepest} in each other`, { type: id })
    for (const [index, member] of of.members.entries()) {
      // Counts unnamed ones too: they may double at each depth and hold nothing.
      if (++visited > mostFound)
        throw btfFault('too many members', `at most ${mostFound}, those of unnamed structs included`, { type: id })
      const inner = btf.resolve(member.type)
      const { first, bits, isBitField } = rangeOf(btf, member)
      if (first + bits > of.size * 8)
        throw btfFault(`a member that ends at bit ${first + bits}`, `at most ${of.size * 8}, the size of its struct`, {
          type: ofId,
        })
      const here = [...path, { union: of.kind === 'union', index }]
      const isComposite = inner.type.kind === 'struct' || inner.type.kind === 'union'
      if (member.name === '' && isComposite) visit(inner.type as Composite, inner.id, base + member.bitOffset, here)
      else if (member.name !== '') {
        found.push({ name: member.name, type: member.type, bitOffset: base + first, bits, isBitField, path: here })
      }
    }
  }
  visit(outer, id, 0, [])
  return found
}

/** A member by its path, `'lru.next'`; undefined: there is none. */
export function memberAt(btf: Btf, id: number, path: string): Found | undefined {
  let of = id
  let base = 0
  let at: Found | undefined
  const names = path.split('.')
  for (const [i, name] of names.entries()) {
    const { type } = btf.resolve(of)
    if (type.kind !== 'struct' && type.kind !== 'union') return undefined
    const member = membersOf(btf, of).find((each) => each.name === name)
    if (member === undefined) return undefined
    at = { ...member, bitOffset: base + member.bitOffset, path: i === 0 ? member.path : (at?.path ?? []) }
    base = at.bitOffset
    of = member.type
  }
  return at
}
