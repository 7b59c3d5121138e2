/** The `flags:` line of a dump. */
export interface PrintedFlags {
  readonly value: bigint
  readonly names: readonly string[]
  /** What is printed behind the names: section, node, zone, lastcpupid, kasantag. */
  readonly fields: Readonly<Record<string, bigint>>
  /** `'anon'` and `'ksm'` stand before the word. */
  readonly prefix: 'anon' | 'ksm' | null
}

/** The `page_type:` line. */
export interface PrintedType {
  readonly value: bigint
  /** With 0x, the whole word; without, its top byte. */
  readonly whole: boolean
  readonly name: string
}

/** Where page_owner says that the page was allocated. */
export interface PageOwner {
  readonly state: 'allocated' | 'freed' | null
  readonly order: number | null
  readonly migratetype: string | null
  readonly gfpMask: string | null
  readonly pid: number | null
  readonly process: string | null
}

/** What one dump prints, before anything is concluded from it. */
export interface RawDump {
  /** Where it begins, counted from 1. */
  line: number
  lastLine: number
  readonly who: string | null
  /** Keys and values of the line `page:`, as printed; `pointer` is what follows `page:` itself. */
  header: Map<string, string> | null
  /** The same of the line `head:`. */
  head: Map<string, string> | null
  flags: PrintedFlags | null
  /** What bad_page() of old says besides: `bad because of flags:`. */
  badFlags: PrintedFlags | null
  pageFlagsForm: boolean
  type: PrintedType | null
  memcg: string | null
  memcgForm: 'memcg' | 'mem_cgroup' | null
  aops: string | null
  inode: string | null
  dentry: string | null
  because: string | null
  process: string | null
  statePfn: bigint | null
  kernel: string | null
  owner: PageOwner | null
  /** Words as they are printed. */
  raw: string[]
  headWords: string[]
  /** Its lines come in turns with those of another. */
  alternates: boolean
  warnings: string[]
}

export const emptyDump = (line: number, who: string | null): RawDump => ({
  line,
  lastLine: line,
  who,
  header: null,
  head: null,
  flags: null,
  badFlags: null,
  pageFlagsForm: false,
  type: null,
  memcg: null,
  memcgForm: null,
  aops: null,
  inode: null,
  dentry: null,
  because: null,
  process: null,
  statePfn: null,
  kernel: null,
  owner: null,
  raw: [],
  headWords: [],
  alternates: false,
  warnings: [],
})
