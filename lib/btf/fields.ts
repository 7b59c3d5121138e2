import type { DescribedType, DescriptorField, UnknownName } from './description.ts'
import { btfFault } from './fault.ts'
import { memberAt } from './members.ts'
import { byteOf, type InWord, inWords, type Span, Taken } from './place.ts'
import { everyType, isSecondName, type Rule, rules, tails } from './rules.ts'
import { parseRef, type Seen, structOf, type ViewLetter, type Views } from './views.ts'

export interface DescriptorFields {
  readonly fields: readonly DescriptorField[]
  readonly unknown: readonly UnknownName[]
  /** Which rule was met by which member, by the rule's name. */
  readonly met: ReadonlyMap<string, Seen>
  readonly missing: readonly string[]
  readonly orderByte: number | undefined
}

/** Without these there is no descriptor. */
const core = ['flags', '_mapcount', '_refcount', 'compound_head']
/** Without these some page type cannot do what memory management asks of it. */
const wanted = ['lru', 'mapping', 'index', 'private', 'page_type', 'slab_cache', 'freelist', 'ptl', '_pincount']

const refsOf = ({ from, types }: Rule): { ref: string; types: readonly DescribedType[] }[] =>
  from.map((each) => (typeof each === 'string' ? { ref: each, types } : each))

/** Applies the rules, and finds what none of them knows. */
export function readFields(
  views: Views,
  slabHasType: boolean,
  exists: (type: DescribedType) => boolean,
): DescriptorFields {
  return new Reader(views, slabHasType, exists).read()
}

class Reader {
  readonly #views: Views
  readonly #slabHasType: boolean
  readonly #exists: (type: DescribedType) => boolean
  readonly #taken = new Map<DescribedType, Taken>()
  readonly #fields: DescriptorField[] = []
  readonly #met = new Map<string, Seen>()

  constructor(views: Views, slabHasType: boolean, exists: (type: DescribedType) => boolean) {
    this.#views = views
    this.#slabHasType = slabHasType
    this.#exists = exists
    for (const type of everyType) this.#taken.set(type, new Taken(views.strideBytes, this.#wordBits))
  }

  get #wordBits(): number {
    return this.#views.btf.wordBytes * 8
  }

  read(): DescriptorFields {
    const orderByte = this.#readOrder()
    for (const rule of rules) this.#apply(rule)
    for (const name of core)
      if (!this.#met.has(name)) {
        const refs = rules.filter((rule) => rule.name === name).flatMap((rule) => refsOf(rule).map(({ ref }) => ref))
        const members = [...new Set(refs)].map((ref) => `page.${parseRef(ref).name}`)
        throw btfFault(`no ${members.join(' or ')}`, 'a struct page with flags, _mapcount, _refcount and compound_head')
      }
    this.#checkCore()
    this.#foreign('z', 'zsmalloc')
    const unknown = this.#readUnknown()
    const missing = wanted.filter((name) => !this.#met.has(name))
    return { fields: this.#fields, unknown, met: this.#met, missing, orderByte }
  }

  /** What the core of every kernel reads has one shape since there is a struct page. */
  #checkCore(): void {
    const word = this.#wordBits
    const shapes: Record<string, { bits: number; at?: number }> = {
      flags: { bits: word, at: 0 },
      compound_head: { bits: word, at: word },
      _mapcount: { bits: 32 },
      _refcount: { bits: 32 },
    }
    for (const [name, shape] of Object.entries(shapes)) {
      const seen = this.#met.get(name) as Seen
      const { bit, member } = seen
      if (member.bits === shape.bits && bit === (shape.at ?? bit) && bit % shape.bits === 0) continue
      throw btfFault(
        `${seen.name} of ${member.bits} bits at bit ${bit}`,
        `${shape.bits} bits ${shape.at === undefined ? 'that are aligned' : `at bit ${shape.at}`}`,
      )
    }
  }

  /** The order of a large folio: a byte of its own, or since v6.6 the lowest of `page[1].flags`. */
  #readOrder(): number | undefined {
    const { btf } = this.#views
    const own = this.#views.find('f._folio_order@1') ?? this.#views.find('p.compound_order')
    const flags = this.#views.find('f._flags_1@1')
    const order = {
      name: '_folio_order',
      kind: 'constant',
      types: ['tail'],
      meaning: "log2 of the folio's pages",
    } as const
    if (own !== undefined) {
      if (own.member.bits !== 8)
        throw btfFault(`${own.name} of ${own.member.bits} bits`, 'a compound order of 8 bits', {
          type: own.member.type,
        })
      this.#add({ ...order, member: own.name, known: true }, this.#span(own))
      this.#addFlagsOfTail(flags, this.#wordBits, 0)
      return own.bit / 8
    }
    if (flags === undefined)
      throw btfFault(
        'no page.compound_order, folio._folio_order or folio._flags_1',
        'a struct page or folio that says the order of a compound page',
      )
    const lowest: InWord = {
      byte: byteOf(0, 0, 8, this.#wordBits, btf.byteOrder),
      word: 0,
      shift: 0,
      bits: 8,
    }
    this.#addParts({ ...order, member: `${flags.name} (low byte)`, known: true }, [lowest])
    this.#addFlagsOfTail(flags, this.#wordBits - 8, 8)
    return lowest.byte
  }

  #addFlagsOfTail(flags: Seen | undefined, bits: number, shift: number): void {
    const byte = byteOf(0, shift, bits, this.#wordBits, this.#views.btf.byteOrder)
    this.#addParts(
      {
        name: shift === 0 ? 'flags' : '_flags_1',
        member: flags?.name ?? 'page.flags',
        kind: 'flags',
        types: ['tail'],
        meaning: "flags of the folio's second page",
        known: true,
      },
      [{ byte, word: 0, shift, bits }],
    )
  }

  #span(seen: Seen): Span {
    return { bit: seen.bit, bits: seen.member.bits }
  }

  #apply(rule: Rule): void {
    for (const { ref, types } of refsOf(rule)) {
      const seen = this.#views.find(ref)
      if (seen === undefined) continue
      if (!this.#met.has(rule.name)) this.#met.set(rule.name, seen)
      // Until v6.10 a slab was told by a flag, and nothing lay over its `_mapcount`.
      const on = rule.name === 'page_type' && !this.#slabHasType ? types.filter((type) => type !== 'slab') : types
      const { name, meaning, object } = rule
      const common = { member: seen.name, types: on, meaning, known: true, ...(object !== undefined && { object }) }
      if (rule.kind === 'list') this.#addList(rule, seen, common)
      else this.#add({ ...common, name, kind: this.#kind(rule.kind, seen) }, this.#span(seen))
      return
    }
  }

  #addList(
    { name, meaning }: Pick<Rule, 'name' | 'meaning'>,
    seen: Seen,
    common: Omit<DescriptorField, 'name' | 'kind' | keyof InWord>,
  ): void {
    const { btf } = this.#views
    for (const [side, kind, way] of [
      ['next', 'list-next', 'next'],
      ['prev', 'list-prev', 'previous'],
    ] as const) {
      const link = memberAt(btf, seen.member.type, side)
      if (link === undefined) throw btfFault(`${seen.name} without ${side}`, 'a list_head', { type: seen.member.type })
      const span = { bit: seen.bit + link.bitOffset, bits: link.bits }
      this.#add({ ...common, name: `${name}.${side}`, kind, meaning: `${way} ${meaning}` }, span)
    }
  }

  /** A lock that debugging has made too large is a pointer to it. */
  #kind(kind: DescriptorField['kind'], { member }: Seen): DescriptorField['kind'] {
    return kind === 'lock' && this.#views.btf.resolve(member.type).type.kind === 'ptr' ? 'pointer' : kind
  }

  #add(field: Omit<DescriptorField, keyof InWord>, span: Span): void {
    const { btf, strideBytes } = this.#views
    if (span.bit + span.bits > strideBytes * 8)
      throw btfFault(
        `${field.member} that ends at bit ${span.bit + span.bits}`,
        `${strideBytes * 8} bits of struct page`,
      )
    this.#addParts(field, inWords(span, this.#wordBits, btf.byteOrder))
  }

  /** Adds a field on each of its types, as far as no earlier field has the bits there. */
  #addParts(field: Omit<DescriptorField, keyof InWord>, parts: readonly InWord[]): DescribedType[] {
    const live = new Set<DescribedType>()
    for (const part of parts) {
      const byRest = new Map<string, { types: DescribedType[]; rest: { shift: number; bits: number }[] }>()
      for (const type of field.types) {
        if (!this.#exists(type)) continue
        const taken = this.#taken.get(type) as Taken
        const rest = taken.rest(part)
        if (rest.length === 0) continue
        live.add(type)
        taken.take(part)
        const key = JSON.stringify(rest)
        const group = byRest.get(key) ?? { types: [], rest }
        group.types.push(type)
        byRest.set(key, group)
      }
      for (const { types, rest } of byRest.values())
        for (const { shift, bits } of rest) {
          const byte = byteOf(part.word, shift, bits, this.#wordBits, this.#views.btf.byteOrder)
          this.#fields.push({ ...field, types, byte, word: part.word, shift, bits })
        }
    }
    return [...live]
  }

  /** A struct that describes a page type alone: each of its members is that type's. */
  #foreign(letter: ViewLetter, type: DescribedType): void {
    for (const seen of this.#views.members(letter)) {
      if (isSecondName(letter, seen.member.name)) continue
      const { name } = seen.member
      const common = { member: seen.name, types: [type], meaning: `of struct ${structOf(letter)}`, known: true }
      const isList = memberAt(this.#views.btf, seen.member.type, 'prev') !== undefined
      if (isList) this.#addList({ name, meaning: 'on a list' }, seen, common)
      else this.#add({ ...common, name, kind: 'count' }, this.#span(seen))
    }
  }

  #readUnknown(): UnknownName[] {
    const refs = new Map<string, DescribedType[]>()
    for (const rule of rules)
      for (const { ref, types } of refsOf(rule)) {
        const { letter, name } = parseRef(ref)
        const key = `${letter}.${name}`
        refs.set(key, [...(refs.get(key) ?? []), ...types])
      }
    const unknown: UnknownName[] = []
    for (const letter of ['p', 'f', 's', 't', 'n'] as const) {
      const members = this.#views.members(letter)
      for (const seen of members) {
        if (refs.has(`${letter}.${seen.member.name}`) || isSecondName(letter, seen.member.name)) continue
        if (seen.member.bits === 0) continue
        const types = this.#typesOf(seen, members, refs).filter(this.#exists)
        const span = this.#container(seen)
        const over = this.#overlaps(span, types)
        this.#add(
          {
            name: seen.member.name,
            member: seen.name,
            kind: 'count',
            types,
            meaning: 'unknown to pagebox',
            known: false,
          },
          span,
        )
        unknown.push({ member: seen.name, byte: Math.floor(seen.bit / 8), bits: seen.member.bits, types, over })
      }
    }
    return unknown
  }

  /** Who writes one bit-field writes the whole integer that it is part of. */
  #container(seen: Seen): Span {
    const span = this.#span(seen)
    if (!seen.member.isBitField) return span
    const unit = this.#views.btf.sizeOf(seen.member.type) * 8
    const first = Math.floor(span.bit / unit) * unit
    return { bit: first, bits: Math.max(unit, span.bit + span.bits - first) }
  }

  /**
   * On which page types a member that no rule knows is live. The struct says so, or in struct page what
   * stands beside it in the same unnamed struct; a member that has a place of its own in a union shares
   * it with all the others there.
   */
  #typesOf(seen: Seen, members: readonly Seen[], refs: ReadonlyMap<string, DescribedType[]>): DescribedType[] {
    const { letter, tail, member } = seen
    if (letter === 's') return ['slab']
    if (letter === 't') return ['page-table', 'pgd']
    if (letter === 'n') return ['page-pool']
    if (letter === 'f')
      return tail === 0 ? ['anon', 'file', 'compound-head'] : [tails[Math.min(tail, 3) - 1] as DescribedType]
    const [outer, arm, ...inner] = member.path
    if (outer === undefined || arm === undefined) return [...everyType]
    const alone = inner.length === 0
    const siblings = members.filter(
      ({ member: other }) =>
        other.path.length > 1 && other.path[0]?.index === outer.index && (alone || other.path[1]?.index === arm.index),
    )
    const types = new Set(siblings.flatMap((each) => refs.get(`p.${each.member.name}`) ?? []))
    return types.size === 0 ? [...everyType] : everyType.filter((type) => types.has(type))
  }

  #overlaps(span: Span, types: readonly DescribedType[]): string[] {
    const parts = inWords(span, this.#wordBits, this.#views.btf.byteOrder)
    const names = this.#fields
      .filter(
        (field) =>
          field.known &&
          field.types.some((type) => types.includes(type)) &&
          parts.some(
            (part) =>
              part.word === field.word && part.shift < field.shift + field.bits && field.shift < part.shift + part.bits,
          ),
      )
      .map(({ name }) => name)
    return [...new Set(names)]
  }
}
