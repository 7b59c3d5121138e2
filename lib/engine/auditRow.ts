/** Where something does not hold; its `kind` says which fields there are. */
export type AuditPlace =
  | { readonly kind: 'page'; readonly pfn: number }
  | { readonly kind: 'swap-slot'; readonly slot: number }
  /** `process`: a number of its own among the address spaces that were audited together. */
  | { readonly kind: 'address'; readonly address: bigint; readonly process: number }
  /** A list by the kernel's name: `inactive_anon`, `deferred_split`. */
  | { readonly kind: 'list'; readonly list: string }
  /** About the whole machine. */
  | { readonly kind: 'nowhere' }

/** Something that does not hold what it must. One kind of row, whoever audits. */
export interface AuditRow {
  /** The rule that is broken; the same identifier in code, report and docs. */
  readonly invariant: string
  readonly place: AuditPlace
  /** The page; -1 where the row is about no page. */
  readonly pfn: number
  /** The word or the count that is compared. */
  readonly field: string
  readonly expected: bigint
  readonly found: bigint
  /** Who accounts for what was expected: pins handed out, mappings, lists, page setup. */
  readonly explanation: string
}

/** Counts as people read them, words as they stand in memory. */
const valueText = (value: bigint): string => (value < 4096n ? `${value}` : `0x${value.toString(16)}`)

export function placeText(place: AuditPlace): string {
  switch (place.kind) {
    case 'page':
      return `page ${place.pfn}`
    case 'swap-slot':
      return `swap slot ${place.slot}`
    case 'address':
      return `address 0x${place.address.toString(16)} of process ${place.process}`
    case 'list':
      return `list ${place.list}`
    default:
      return ''
  }
}

/** A row in one line, in the words of the native tests. */
export function rowText({ invariant, place, field, expected, found, explanation }: AuditRow): string {
  const where = placeText(place)
  const why = explanation === '' ? '' : ` (${explanation})`
  return `${invariant}${where === '' ? '' : ` at ${where}`}${field === '' ? '' : ` ${field}`}: expected ${valueText(expected)}, found ${valueText(found)}${why}`
}

/** Rows as native code made them; nobody changes what was found. */
export const frozenRow = (row: AuditRow): AuditRow => Object.freeze({ ...row, place: Object.freeze(row.place) })
export const frozenRows = (rows: readonly AuditRow[]): readonly AuditRow[] => Object.freeze(rows.map(frozenRow))
