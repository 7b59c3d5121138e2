import { deepFreeze } from '../base/freeze.ts'
import { tables } from '../native/tables.ts'

/** A historic defect that a machine can be made with. */
export interface QuirkInfo {
  readonly name: string
  readonly year: number
  /** What it is a defect of: pin accounting, memory management, device memory. */
  readonly room: 'pins' | 'mm' | 'zone_device'
  /** What was wrong, in one sentence. */
  readonly wrong: string
  /** Version and commit, or that it was never merged. */
  readonly fix: string
  /** What breaks. */
  readonly invariant: string
  /** It shows only where this rule has its newer behaviour (`ruleIs`), or only where not. */
  readonly rule?: string
  readonly ruleIs?: boolean
}

let frozen: readonly QuirkInfo[] | undefined

/** Every quirk that there is. */
export const quirks = (): readonly QuirkInfo[] => (frozen ??= deepFreeze(tables().quirks as QuirkInfo[]))
