import type { Layout, LayoutDefinition } from '../page/layout.ts'
import type { SchemeDefinition } from '../pins/scheme.ts'
import { schemeOf } from '../pins/schemes.ts'
import { mostPins, mostReferences, type Question } from './ask.ts'
import { layoutWithPins, unitIn } from './tails.ts'
import { freeRuns, placeText, type Segment, segmentsOf } from './places.ts'

/** A way to count at a place, before anybody has asked whether it does. */
export interface Form {
  readonly definition: SchemeDefinition
  /** Another layout than the one that was asked for: one that names the place. */
  readonly layout?: LayoutDefinition
  readonly place: string
  readonly where: 'inside' | 'growth' | 'outside'
  /** Spare bits of `page->flags` that it needs. */
  readonly flagBits: number
  /** Without it, or where it fails, the reader asks why; the others are cuts of free bits. */
  readonly known: boolean
}

/** Wider counts than the references can fill say nothing more. */
const widest = 32

/** Bits that hold so many. */
export const bitsFor = (count: number): number => Math.ceil(Math.log2(count + 1))

/** Widths that are worth a question in so many bits: just enough, and all of them. */
function widths(room: number, needed: number): number[] {
  const most = Math.min(room, widest)
  return [...new Set([Math.min(needed, most), most])]
}

type Part = Omit<SchemeDefinition, 'name' | 'summary'>

/** A count of its own bits in each way that it can end: refusing, and where that is too early for the pins, otherwise. */
function limits(bits: number, needed: number): NonNullable<SchemeDefinition['atLimit']>[] {
  return bits >= needed ? ['refuse'] : ['refuse', 'spill', 'saturate']
}

/** What becomes of the pins that such a count has no room for. */
const endText = { refuse: '', spill: ', the rest in a table', saturate: ', which stays full' } as const

class Forms {
  readonly all: Form[] = []
  readonly #names = new Set<string>()
  readonly #seen = new Set<string>()

  add(name: string, summary: string, part: Part, more: Omit<Form, 'definition'>): void {
    const key = JSON.stringify([part, more.layout?.name])
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    let free = name
    for (let copy = 2; this.#names.has(free); copy++) free = `${name}-${copy}`
    this.#names.add(free)
    this.all.push({ definition: { name: free, summary, ...part }, ...more })
  }
}

/** `page->flags`, whose spare bits a scheme asks for without their numbers. */
function inFlags(forms: Forms, layout: Layout, needed: number, mostBits: number | null): void {
  const runs = freeRuns(segmentsOf(layout, layout.types, [0])).filter(
    ({ tail, offsetBytes }) => tail === 0 && offsetBytes === 0,
  )
  const longest = Math.max(0, ...runs.map(({ bits }) => bits))
  const rooms = new Set([longest, Math.min(longest, mostBits ?? longest)])
  for (const room of rooms) {
    if (room === 0) continue
    for (const countBits of widths(room, needed))
      for (const atLimit of limits(countBits, needed))
        forms.add(
          `flags-${countBits}-${atLimit}`,
          `${countBits} spare ${countBits === 1 ? 'bit' : 'bits'} of page->flags`,
          { protocol: 'packed-word', countWord: 0, countShift: 'lowest-free', countBits, atLimit },
          {
            place: `flags, ${countBits} spare ${countBits === 1 ? 'bit' : 'bits'}${endText[atLimit]}`,
            where: 'inside',
            flagBits: countBits,
            known: true,
          },
        )
  }
}

/** The last word that a definition reaches by its number; behind it fields are named. */
const lastWord = 5

/** Free bits of the head, by their word or by the name of a field that has them on other pages. */
function inHead(forms: Forms, layout: Layout, segment: Segment, needed: number): void {
  const { wordBytes } = layout
  const { offsetBytes, shift, bits } = segment
  const word = offsetBytes / wordBytes
  if (word === 0) return
  const text = (countBits: number): string => placeText({ ...segment, bits: countBits }, layout)
  const at = (field: { name: string; shift: number } | undefined): Part =>
    field === undefined
      ? { protocol: 'add', countWord: word, countShift: shift }
      : { protocol: 'add', place: { field: field.name }, countShift: field.shift }
  const field = word <= lastWord ? undefined : fieldAt(layout, segment)
  if (word > lastWord && field === undefined) return
  const name = field === undefined ? `word-${word}-bit-${shift}` : `byte-${offsetBytes}-bit-${shift}`
  for (const countBits of widths(bits, needed))
    for (const atLimit of limits(countBits, needed))
      for (const protocol of ['add', 'packed-word'] as const)
        forms.add(
          `${name}-${protocol === 'add' ? 'add' : 'packed'}-${countBits}${atLimit === 'refuse' ? '' : `-${atLimit}`}`,
          `a count of ${countBits} bits in ${text(countBits)}`,
          { ...at(field), protocol, countBits, atLimit },
          { place: `${text(countBits)}${endText[atLimit]}`, where: 'inside', flagBits: 0, known: false },
        )
}

/** Free bits of a tail, where the layout has no pin count of its own: it is told of one. */
function inTail(forms: Forms, layout: Layout, segment: Segment, needed: number): void {
  if (layout.pincount.tail !== 0) return
  const at = unitIn(segment, needed)
  const { tail } = segment
  const place = placeText({ ...segment, bits: at.bits }, layout)
  forms.add(
    `tail-${tail}-byte-${at.offsetBytes}-bit-${at.shift}`,
    `${at.bits} bits of page[${tail}], as the layout says`,
    { protocol: 'add', place: 'tail', countBits: at.bits, refsPerPin: 1024 },
    { layout: layoutWithPins(layout, tail, at), place, where: 'inside', flagBits: 0, known: false },
  )
}

/** The field of other pages that has all of these bits. */
function fieldAt(layout: Layout, { offsetBytes, shift, bits }: Segment): { name: string; shift: number } | undefined {
  const first = offsetBytes * 8 + shift
  for (const field of layout.fields) {
    const from = field.offsetBytes * 8 + field.shift
    const ofTails = field.types.every((type) => type === 'tail' || type === 'second-tail')
    if (field.kind === 'flags' || field.contested || ofTails) continue
    if (from <= first && first + bits <= from + field.bits) return { name: field.name, shift: first - from }
  }
  return undefined
}

/** Ways that are not a matter of free bits: shared words, counts that are there, more bytes, tables. */
function knownWays(forms: Forms, { asked, layout }: Question): void {
  const copy = (
    name: string,
    more: Pick<Form, 'place' | 'where'> & { flagBits?: number; part?: Partial<Part> },
  ): void => {
    const { definition, falsePositives, place } = schemeOf(name, 'scheme')
    // What follows from the rest is left to follow, and the definition stays short.
    const { name: _, summary: __, source: ___, visibleEffects: ____, falsePositives: _____, ...part } = definition
    const said =
      place === 'mapcount' && falsePositives !== '' ? { falsePositives: 'a page in the midst of being unmapped' } : {}
    const { flagBits = 0, part: own } = more
    const { place: at, where } = more
    forms.add(`like-${name}`, `as ${name}`, { ...part, ...said, ...own }, { place: at, where, flagBits, known: true })
  }
  const list = 'the words of page->lru while the page is isolated'
  copy('lru-overlay', { place: `${list} (list-overlay)`, where: 'inside' })
  copy('packed-64', { place: `${list} (packed-word, 64 bits)`, where: 'inside' })
  copy('packed-32', { place: `${list} (packed-word, 32 bits)`, where: 'inside' })
  copy('flag-and-word', {
    place: 'a spare flag, and a list word while the page is isolated',
    where: 'inside',
    flagBits: 1,
  })
  copy('mapcount-overlay', { place: '_mapcount', where: 'inside' })
  const references = new Set([1024, asked.fuzzyFrom ?? 1024])
  const most = Math.min(mostReferences, Math.floor(mostPins / asked.minPins))
  if (most >= 2) references.add(2 ** Math.floor(Math.log2(most)))
  for (const refsPerPin of references) {
    copy('refcount-bias', { place: `_refcount, ${refsPerPin} a pin`, where: 'inside', part: { refsPerPin } })
    const { tail, offsetBytes } = layout.pincount
    if (tail !== 0)
      copy('folio-pincount', {
        place: `page[${tail}], byte ${offsetBytes}, and _refcount with ${refsPerPin} a pin where there is no such page`,
        where: 'inside',
        part: { refsPerPin },
      })
  }
  copy('refcount', { place: '_refcount, one a pin', where: 'inside' })
  copy('own-counter', {
    place: 'a counter beside _refcount',
    where: layout.counterOffsetBytes === 0 ? 'growth' : 'inside',
  })
  copy('side-table', { place: 'a table beside the descriptors', where: 'outside' })
  copy('sharded', { place: 'a table beside the descriptors, by CPU', where: 'outside' })
}

/** Everything that could be a candidate, or could be one if one demand were dropped. */
export function formsOf(question: Question): Form[] {
  const { layout, asked } = question
  const needed = bitsFor(asked.minPins)
  const forms = new Forms()
  knownWays(forms, question)
  inFlags(forms, layout, needed, asked.maxFlagBits)
  const { types, orders } = asked
  const without = <Item>(all: readonly Item[]): (readonly Item[])[] =>
    all.length < 2 ? [] : all.map((each) => all.filter((other) => other !== each))
  for (const [ofTypes, ofOrders] of [
    [types, orders] as const,
    ...without(types).map((rest) => [rest, orders] as const),
    ...without(orders).map((rest) => [types, rest] as const),
  ])
    for (const run of freeRuns(segmentsOf(layout, ofTypes, ofOrders)))
      if (run.tail === 0) inHead(forms, layout, run, needed)
      else inTail(forms, layout, run, needed)
  return forms.all
}
