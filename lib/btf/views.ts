import { btfFault } from './fault.ts'
import { type Found, memberAt, membersOf } from './members.ts'
import type { Btf } from './types.ts'

/** The structs that describe a page, by the letter that rules use. */
const structs = { p: 'page', f: 'folio', s: 'slab', t: 'ptdesc', n: 'netmem_desc', z: 'zpdesc' } as const
/** A member that tells each from what a driver may call by that name. */
const own = { f: '_refcount', s: 'freelist', t: 'pmd_huge_pte', n: 'pp_magic', z: 'zspage' } as const
export type ViewLetter = keyof typeof structs
export const structOf = (letter: ViewLetter): string => structs[letter]

export interface Seen {
  readonly letter: ViewLetter
  readonly member: Found
  /** `'folio._pincount'` */
  readonly name: string
  /** Which descriptor of a folio; 0: the head. */
  readonly tail: number
  /** From the start of that descriptor. */
  readonly bit: number
}

/** The descriptor's structs, each with its members. */
export class Views {
  readonly btf: Btf
  readonly strideBytes: number
  readonly #ids = new Map<ViewLetter, number>()

  constructor(btf: Btf) {
    this.btf = btf
    const page = btf
      .composites('page')
      .filter(({ type }) => type.members.length > 0)
      .find(({ id }) => memberAt(btf, id, '_refcount') !== undefined)
    if (page === undefined) throw btfFault('no struct page with _refcount', 'BTF of a kernel (vmlinux, not a module)')
    this.#ids.set('p', page.id)
    this.strideBytes = page.type.size
    const word = btf.wordBytes
    const { size } = page.type
    if (size % word !== 0 || size < 8 * word || size > 256)
      throw btfFault(`a struct page of ${size} bytes`, `a multiple of ${word} from ${8 * word} to 256`, {
        type: page.id,
      })
    for (const letter of ['f', 's', 't', 'n', 'z'] as const) {
      const all = btf.composites(structs[letter]).filter(({ type }) => type.members.length > 0)
      const found = all.find(({ id }) => memberAt(btf, id, own[letter]) !== undefined) ?? all[0]
      if (found !== undefined) this.#ids.set(letter, found.id)
    }
  }

  has(letter: ViewLetter): boolean {
    return this.#ids.has(letter)
  }

  members(letter: ViewLetter): Seen[] {
    const id = this.#ids.get(letter)
    if (id === undefined) return []
    return membersOf(this.btf, id).map((member) => this.#seen(letter, member))
  }

  #seen(letter: ViewLetter, member: Found): Seen {
    const stride = this.strideBytes * 8
    const tail = Math.floor(member.bitOffset / stride)
    return { letter, member, name: `${structs[letter]}.${member.name}`, tail, bit: member.bitOffset - tail * stride }
  }

  /** A member by a rule's reference: `'f._pincount@1'`. */
  find(ref: string): Seen | undefined {
    const { letter, name, tail } = parseRef(ref)
    const id = this.#ids.get(letter)
    if (id === undefined) return undefined
    // A name may stand in two arms, once in each tail that it may lie in.
    for (const member of membersOf(this.btf, id)) {
      if (member.name !== name) continue
      const seen = this.#seen(letter, member)
      if (seen.tail === tail) return seen
    }
    return undefined
  }
}

export function parseRef(ref: string): { letter: ViewLetter; name: string; tail: number } {
  const [, letter, name, tail] = /^(\w)\.(\w+)(?:@(\d))?$/.exec(ref) as unknown as [string, ViewLetter, string, string?]
  return { letter, name, tail: Number(tail ?? 0) }
}
