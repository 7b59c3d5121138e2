import type { PageType } from '../page/layout.ts'
import type { Candidate } from './candidates.ts'
import type { Choice } from './choose.ts'
import type { Printed, Words } from './facts.ts'
import type { Image } from './image.ts'
import type { RawDump } from './rawDump.ts'
import type { DumpType } from './types.ts'

/** What a caller says about the kernel beforehand. */
export interface Given {
  readonly only: Candidate | null
  readonly extra: readonly Candidate[]
  readonly type: DumpType | PageType | null
  /** Counts the pins of a scheme of the sandbox in the words; null: as the kernel keeps them. */
  readonly pins: ((words: readonly bigint[], wordBytes: 4 | 8) => { pins: bigint; exact: boolean } | null) | null
  readonly pinsName: string
}

/** Everything that the steps below share. */
export interface Reading {
  readonly dump: RawDump
  readonly printed: Printed
  readonly words: Words
  readonly choice: Choice
  readonly candidate: Candidate
  readonly image: Image | null
  readonly flags: readonly string[]
  readonly unknownFlags: readonly string[]
  readonly type: DumpType
  readonly typeReason: string
  readonly warnings: string[]
  readonly unknown: string[]
}

export const isCompound = ({ type, flags, dump }: Reading): boolean =>
  type === 'tail' || flags.includes('head') || dump.head !== null
