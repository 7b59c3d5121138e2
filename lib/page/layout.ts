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
  flags: readonly { name: string; bit: number }[]
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
  pincount?: { tail: number; offsetBytes: number; minOrder?: number }
  mapcountOffsetBytes: number
  refcountOffsetBytes: number
  counterOffsetBytes?: number
  orderOffsetBytes?: number
}
