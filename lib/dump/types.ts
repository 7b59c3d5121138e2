import type { PageType } from '../page/layout.ts'
import type { PageOwner } from './rawDump.ts'

/** How sure an answer is: the print confirms it, much speaks for it, or it is the likeliest of several. */
export type Confidence = 'high' | 'medium' | 'low'

/** What a page of a real kernel can be. */
export type DumpType =
  | 'unknown'
  /** All bits are set: nobody has initialised the descriptor. */
  | 'uninitialized'
  | 'free'
  | 'buddy'
  | 'anon'
  | 'ksm'
  | 'file'
  | 'movable'
  | 'slab'
  | 'large-kmalloc'
  | 'page-table'
  | 'page-pool'
  | 'hugetlb'
  | 'zsmalloc'
  | 'offline'
  | 'guard'
  | 'balloon'
  | 'kmemcg'
  | 'unaccepted'
  | 'reserved'
  | 'compound-head'
  | 'tail'
  | 'device'
  | 'in-use'

/** The word `mapping`. */
export interface DumpMapping {
  readonly kind: 'none' | 'anon' | 'ksm' | 'movable' | 'file' | 'poison' | 'other'
  /** Without the marks in its low bits; hexadecimal with 0x. Null: the dump has no words. */
  readonly address: string | null
  /** As printed in the line `page:`, where kernels print it hashed or leave it out for anonymous pages. */
  readonly printed: string | null
  readonly text: string
}

/** One word of the descriptor, by the type that the page has. */
export interface DumpField {
  readonly name: string
  readonly offsetBytes: number
  readonly bits: number
  readonly value: bigint
  readonly text: string
}

/** What a folio's head and its first tail say. */
export interface DumpFolio {
  readonly order: number | null
  /** Of the whole folio. */
  readonly mapcount: number | null
  readonly entireMapcount: number | null
  readonly nrPagesMapped: number | null
  readonly pincount: number | null
  readonly refcount: number | null
  readonly flags: readonly string[] | null
}

/** One dump of a log, decoded. */
export interface DecodedDump {
  /** Where it begins in the log, counted from 1. */
  readonly line: number
  /** The thread or CPU that printed it, `'T14893'`, where the log says so. */
  readonly who: string | null
  /** The kernel that the log names. */
  readonly kernel: string | null
  readonly layout: string
  /** Kernels that it can be: `'6.12 to 6.13'`. */
  readonly kernels: string | null
  readonly layoutReason: string
  readonly confidence: Confidence
  /** Layouts for which as much speaks. */
  readonly alike: readonly string[]
  readonly wordBytes: 4 | 8
  /** What it was taken for, or the type that was given. */
  readonly type: DumpType | PageType
  readonly typeReason: string
  readonly flags: readonly string[]
  /** Set bits whose name the configuration decides. */
  readonly unknownFlags: readonly string[]
  readonly refcount: number | null
  /** Mappings, 0 for none; null where the word holds a page type, or nothing tells. */
  readonly mapcount: number | null
  readonly zone: number | null
  readonly node: number | null
  readonly lastCpupid: number | null
  readonly section: number | null
  readonly kasanTag: number | null
  readonly order: number | null
  readonly pins: { readonly pins: number; readonly exact: boolean } | null
  /** Why there is no number, or what it is. */
  readonly pinsReason: string
  readonly pfn: bigint | null
  readonly index: bigint | null
  readonly mapping: DumpMapping
  readonly folio: DumpFolio | null
  readonly memcg: string | null
  readonly aops: string | null
  readonly inode: string | null
  readonly dentry: string | null
  readonly process: string | null
  readonly because: string | null
  readonly owner: PageOwner | null
  readonly fields: readonly DumpField[]
  /** What neither the words nor the print tell, and why. */
  readonly unknown: readonly string[]
  readonly warnings: readonly string[]
  /** What made the page bad; null: nothing did, as far as can be seen. */
  readonly why: string | null
  readonly words: readonly bigint[]
  readonly headWords: readonly bigint[]
}
