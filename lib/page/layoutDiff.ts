import type { Field, Layout } from './layout.ts'

/** Where a field lies: byte, and bits of its value's place. */
export interface FieldPlace {
  readonly offsetBytes: number
  readonly shift: number
  readonly bits: number
  /** The layout has given the place to another field. */
  readonly contested: boolean
}

/** A field that two layouts do not have alike; null: one of them has none of that name on these page types. */
export interface FieldDifference {
  readonly field: string
  readonly before: FieldPlace | null
  readonly after: FieldPlace | null
}

/** What two layouts do not have alike. */
export interface LayoutDifference {
  readonly before: string
  readonly after: string
  /** Sizes, counts and places, as text. */
  readonly facts: readonly { readonly fact: string; readonly before: string; readonly after: string }[]
  /** Bits of `flags`, and the fields above them; null: not there. */
  readonly flags: readonly { readonly name: string; readonly before: string | null; readonly after: string | null }[]
  readonly typesGone: readonly string[]
  readonly typesNew: readonly string[]
  /** Page types of both whose fields differ; those with the same differences together. */
  readonly types: readonly { readonly types: readonly string[]; readonly fields: readonly FieldDifference[] }[]
}

/** `'page[1] byte 24, from order 1 on'`; of a count narrower than 32 bits with its bits. */
export function pincountText({ pincount: { tail, offsetBytes, minOrder, shift, bits } }: Layout): string {
  if (tail === 0) return 'none'
  const narrow = bits === 32 ? '' : ` bits ${shift}..${shift + bits - 1}`
  return `page[${tail}] byte ${offsetBytes}${narrow}, from order ${minOrder} on`
}

/** The first byte of `page[1]` may be the one, or 0 may say that there is none: its field tells. */
function orderText({ orderOffsetBytes, fields }: Layout): string {
  const hasIt = orderOffsetBytes !== 0 || fields.some(({ name }) => name === '_folio_order')
  return hasIt ? `byte ${orderOffsetBytes} of page[1]` : 'none'
}

const factsOf = (layout: Layout): Readonly<Record<string, string>> => ({
  'bytes of a descriptor': String(layout.strideBytes),
  'bytes of a word': String(layout.wordBytes),
  'free flag bits': String(layout.freeFlagBits),
  'pin count of large folios': pincountText(layout),
  'byte of _mapcount': String(layout.mapcountOffsetBytes),
  'byte of _refcount': String(layout.refcountOffsetBytes),
  'counter of its own': layout.counterOffsetBytes === 0 ? 'none' : `byte ${layout.counterOffsetBytes}`,
  'order of a folio': orderText(layout),
})

const flagsOf = (layout: Layout): Map<string, string> =>
  new Map([
    ...layout.flags.map(({ name, bit }) => [name, String(bit)] as const),
    ...layout.highFields.map(({ name, shift, bits }) => [`(${name})`, `${shift}-${shift + bits - 1}`] as const),
  ])

function inBoth<Value>(before: ReadonlyMap<string, Value>, after: ReadonlyMap<string, Value>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
}

const placeOf = ({ offsetBytes, shift, bits, contested }: Field): FieldPlace => ({
  offsetBytes,
  shift,
  bits,
  contested,
})

/** The fields of a page type by name; the second of a name is `name'2`. */
function fieldsOf(layout: Layout, type: string): Map<string, FieldPlace> {
  const found = new Map<string, FieldPlace>()
  for (const field of layout.fields) {
    if (!(field.types as readonly string[]).includes(type)) continue
    let { name } = field
    for (let copy = 2; found.has(name); copy++) name = `${field.name}'${copy}`
    found.set(name, placeOf(field))
  }
  return found
}

const isSame = (a: FieldPlace | undefined, b: FieldPlace | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.offsetBytes === b.offsetBytes &&
  a.shift === b.shift &&
  a.bits === b.bits &&
  a.contested === b.contested

function fieldDifferences(before: Layout, after: Layout, type: string): FieldDifference[] {
  const [old, fresh] = [fieldsOf(before, type), fieldsOf(after, type)]
  const at = ({ before: a, after: b }: FieldDifference): number => {
    const { offsetBytes, shift } = (b ?? a) as FieldPlace
    return offsetBytes * 8 + shift
  }
  return inBoth(old, fresh)
    .filter((field) => !isSame(old.get(field), fresh.get(field)))
    .map((field) => ({ field, before: old.get(field) ?? null, after: fresh.get(field) ?? null }))
    .sort((a, b) => at(a) - at(b))
}

/** What `after` has otherwise than `before`; of all page types, or of those that are named. */
export function diffLayouts(before: Layout, after: Layout, only?: readonly string[]): LayoutDifference {
  const [oldFacts, facts] = [factsOf(before), factsOf(after)]
  const [oldFlags, flags] = [flagsOf(before), flagsOf(after)]
  const has = (layout: Layout, type: string): boolean => (layout.types as readonly string[]).includes(type)
  const types = [...new Set<string>([...before.types, ...after.types])].filter((type) => only?.includes(type) ?? true)
  const groups = new Map<string, { types: string[]; fields: FieldDifference[] }>()
  for (const type of types) {
    if (!has(before, type) || !has(after, type)) continue
    const fields = fieldDifferences(before, after, type)
    if (fields.length === 0) continue
    const key = JSON.stringify(fields)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { types: [type], fields })
    else group.types.push(type)
  }
  return {
    before: before.name,
    after: after.name,
    facts: Object.keys(facts)
      .filter((fact) => oldFacts[fact] !== facts[fact])
      .map((fact) => ({ fact, before: oldFacts[fact] as string, after: facts[fact] as string })),
    flags: inBoth(oldFlags, flags)
      .filter((name) => oldFlags.get(name) !== flags.get(name))
      .map((name) => ({ name, before: oldFlags.get(name) ?? null, after: flags.get(name) ?? null })),
    typesGone: types.filter((type) => !has(after, type)),
    typesNew: types.filter((type) => !has(before, type)),
    types: [...groups.values()],
  }
}
