import { guardThis } from '../base/guardThis.ts'
import type { NativeBox } from '../native/binding.ts'
import { refusal } from '../native/status.ts'
import { decodeDescriptor, type PinCounter } from './decode.ts'
import { hexdump } from './hexdump.ts'
import type { Layout, PageType } from './layout.ts'
import type { LruKind } from './lru.ts'
import type { DecodedPage, Page, PinCount } from './page.ts'

/** What a page needs of its box. */
export interface PageSource<Owner> {
  readonly box: Owner
  readonly native: NativeBox
  readonly layout: Layout
  /** What the box's scheme reads in the words, */
  readonly counter: PinCounter
  /** and what it answers. */
  readonly pins: {
    maybePinned(pfn: number): boolean
    pins(pfn: number): PinCount
  }
}

/** Which list the flags of a listed page ask for, as folio_lru_list() decides. */
function listOf(flags: readonly string[]): LruKind | null {
  if (!flags.includes('lru')) return null
  if (flags.includes('unevictable')) return 'unevictable'
  const kind = flags.includes('swapbacked') ? 'anon' : 'file'
  return flags.includes('active') ? `active_${kind}` : `inactive_${kind}`
}

/** Decodes anew at every question. */
export class BoxPage<Owner> implements Page<Owner> {
  readonly pfn: number
  readonly #source: PageSource<Owner>

  constructor(source: PageSource<Owner>, pfn: number) {
    this.#source = source
    this.pfn = pfn
    Object.freeze(this)
  }

  get box(): Owner {
    return this.#source.box
  }

  get type(): PageType {
    const found = this.#source.native.typeOf(this.pfn)
    if (typeof found === 'number') throw refusal(found, 'type', `page ${this.pfn}`)
    return found as PageType
  }

  get head(): number {
    const found = this.#source.native.headOf(this.pfn)
    // A corrupt tail is its own head: what is read from it stays readable.
    return found >= 0 ? found : this.pfn
  }

  get words(): readonly bigint[] {
    const { layout, native } = this.#source
    const words = new BigUint64Array(layout.strideBytes / layout.wordBytes)
    const status = native.words(this.pfn, words)
    if (status !== undefined) throw refusal(status, 'words', `page ${this.pfn}`)
    return [...words]
  }

  decode(): DecodedPage {
    const { layout, counter } = this.#source
    return decodeDescriptor(this.words, layout, counter, this.type, 'box')
  }

  get fields(): Readonly<Record<string, bigint>> {
    const fields: Record<string, bigint> = {}
    for (const { name, value } of this.decode().fields) fields[name] = value
    return Object.freeze(fields)
  }

  get flags(): readonly string[] {
    return this.decode().flags
  }

  get refcount(): number {
    return this.decode().refcount
  }

  get mapcount(): number | null {
    return this.decode().mapcount
  }

  get maybePinned(): boolean {
    return this.#source.pins.maybePinned(this.pfn)
  }

  get pinCount(): PinCount {
    return this.#source.pins.pins(this.pfn)
  }

  get lru(): LruKind | null {
    return listOf(this.flags)
  }

  hexdump(): string {
    return hexdump(this.decode(), this.#source.layout)
  }

  toString(): string {
    return `page ${this.pfn} (${this.type})\n${this.hexdump()}`
  }

  static {
    guardThis(BoxPage, (value) => typeof value === 'object' && value !== null && #source in value, 'a page of a box')
  }
}
