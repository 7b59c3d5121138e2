/* What the calls of every part of the addon have in common. */

/** Success, or why not. */
export type Status = number | undefined

/** What a failed creation says: an Errc, and the words of the core where it has some. */
export interface NativeFailure {
  status: number
  reason: string
}

/** What a layout or scheme is given as: a built-in name, or a declaration. */
export type NativeLayoutRef = string | object
export type NativeSchemeRef = string | object

export interface NativeBoxOptions {
  pages: number
  layout: NativeLayoutRef
  scheme: NativeSchemeRef
  ledger: boolean
  frames: boolean
  addressSpaces: boolean
  devicePages: number
  devicePagesOptional: boolean
  populate: boolean
  hugePages: boolean
  writebackAsksPins: boolean
  fileBackedDevicePages: boolean
  hugetlbPages: number
  shards: number
  quirks: string[]
}

export interface NativeAuditRow {
  invariant: string
  pfn: number
  field: string
  expected: bigint
  found: bigint
  explanation: string
}

export interface NativeAudit {
  rows: NativeAuditRow[]
  rowsTotal: number
  pages: number
  unknown: string[]
}
