import type { Era, FieldKind, Kconfig, NativeLayout, PageType } from '../native/tableTypes.ts'

export type {
  BitRange,
  Era,
  Field,
  FieldKind,
  HighField,
  Kconfig,
  LayoutProblem,
  PageType,
  PincountPlace,
} from '../native/tableTypes.ts'

/** Which word of the descriptor means what, for each page type. */
export interface Layout extends NativeLayout {
  readonly builtin: boolean
}

/** A layout as a user declares it; what is left out is computed or empty. */
export interface LayoutDefinition {
  name: string
  summary?: string
  wordBytes?: 4 | 8
  strideBytes?: number
  kconfig?: Partial<Kconfig>
  era?: Partial<Era>
  /** Page types that exist; without it, all that a field names. */
  types?: readonly PageType[]
  /** Those that exist in orders above 0; as in the built-in layouts. */
  compoundTypes?: readonly PageType[]
  /** Any name: those that the tables do not know are live on every type of page. */
  flags: readonly { name: string; bit: number }[]
  /** `'owner_2'`. */
  anonExclusiveFlag?: string
  /** `'address'`; `'mask'` needs a stride of 2^n. */
  compoundHead?: 'address' | 'mask'
  /** `'little'`. */
  byteOrder?: 'little' | 'big'
  fields: readonly {
    name: string
    offsetBytes: number
    shift?: number
    bits: number
    kind: FieldKind
    types: readonly PageType[]
    meaning?: string
    contested?: boolean
    object?: string
  }[]
  pincount?: { tail: number; offsetBytes: number; minOrder?: number; shift?: number; bits?: number }
  mapcountOffsetBytes: number
  refcountOffsetBytes: number
  counterOffsetBytes?: number
  orderOffsetBytes?: number
}
