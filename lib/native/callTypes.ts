/* What the calls of every part of the addon have in common. */

/**
 * Why a call did not succeed: what the core refused (`tables().errnos`, above 0), or one of `tables().statuses`
 * (below 0).
 */
export type NativeStatus = number

/** Success, or why not. */
export type Status = NativeStatus | undefined

/** What a call gives, or why it does not: the one union of all calls that give something. */
export type NativeResult<Value> = Value | NativeStatus

/** What a failed creation says: an Errc, and the words of the core where it has some. */
export interface NativeFailure {
  status: NativeStatus
  reason: string
}

/** Where a call on many stopped: pages, words or bytes done before. */
export interface NativeStop {
  index: number
  status: NativeStatus
}

/** Why not, where a status alone does not say it. What was made or done has no `status`; a transfer that came part of the way has. */
export type NativeRefusal = NativeFailure | NativeStop

/** What a creation gives, or why it does not, in the core's words. */
export type NativeMade<Value> = NativeResult<Value> | NativeFailure

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
  hugetlbPages: number
  shards: number
  behaviour: NativeBehaviour
}

/** Of a machine; rules `''`: the layout's. Options: the names of those that are on. */
export interface NativeBehaviour {
  rules: string
  quirks: string[]
  options: string[]
}

export type NativeAuditPlace =
  | { kind: 'page'; pfn: number }
  | { kind: 'swap-slot'; slot: number }
  | { kind: 'address'; address: bigint; process: number }
  | { kind: 'list'; list: string }
  | { kind: 'nowhere' }

export interface NativeAuditRow {
  invariant: string
  place: NativeAuditPlace
  /** -1: about no page. */
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
