import { type CleanLine, cleanLine } from './line.ts'
import { firstPart, mayHoldPart, type Part, partsOf } from './parts.ts'
import { emptyDump, type PageOwner, type RawDump } from './rawDump.ts'
import { join, type Pending } from './wrapped.ts'

/** Lines after its last part in which a dump may still go on (module lists and stacks lie between). */
const reach = 200
/** Dumps that are put together at the same time. */
const mostOpen = 64
/** `ffffea0000001000:  0017ffffc0000000 dead000000000100   ........` as crash and gdb print memory. */
const memoryRow = /^(?:0x)?([\da-f]{8,16})(?: <[^>]{0,80}>)?:\s+((?:(?:0x)?(?:[\da-f]{16}|[\da-f]{8})(?:\s+|$))+)/i
/** The reference count in a second row of 8-byte words. */
const countIn = (words: readonly string[]): number | null =>
  words[2]?.length === 16 ? Number.parseInt(words[2].slice(0, 8), 16) | 0 : null

function widest(words: readonly string[]): number {
  let most = 0
  for (const { length } of words) if (length > most) most = length
  return most
}

/** Words of 64 bits behind words of 32. */
const isMixed = (before: readonly string[], words: readonly string[]): boolean =>
  before.length > 0 && widest(words) > 8 && before.every(({ length }) => length === 8)

const printedCount = ({ header }: RawDump): number | null => {
  const text = header?.get('refcount') ?? header?.get('count')
  return text === undefined ? null : Number(text)
}

/** Puts dumps together out of lines. Holds a bounded number of them, and of what was not finished. */
export class DumpReader {
  #pending: Pending | null = null
  readonly #open: RawDump[] = []
  /** Of the whole log; null again where it names several. */
  #kernel: string | null = null
  #kernels = 0
  #lastWho: string | null = null
  #memory: { line: number; at: bigint; bytes: number; words: string[] } | null = null

  readonly #done: (dump: RawDump) => void
  readonly #warn: (line: number, text: string) => void

  constructor(done: (dump: RawDump) => void, warn: (line: number, text: string) => void) {
    this.#done = done
    this.#warn = warn
  }

  line(text: string, number: number): void {
    if (this.#pending === null && !mayHoldPart(text)) {
      if (this.#memory !== null) this.#endMemory()
      return
    }
    const next = cleanLine(text)
    if (this.#pending !== null) {
      const joined = join(this.#pending, next)
      if (joined !== null) {
        this.#pending = { ...this.#pending, text: joined, joined: this.#pending.joined + 1 }
        return
      }
      this.#flush()
    }
    if (this.#memoryLine(next, number)) return
    const at = firstPart(next.content)
    if (at < 0) return
    const who = next.who ?? (next.stamped ? null : this.#lastWho)
    this.#lastWho = who
    this.#pending = { text: next.content, number, who, stamped: next.stamped, joined: 0 }
  }

  end(): void {
    this.#flush()
    this.#endMemory()
    for (const dump of this.#open.splice(0)) this.#close(dump)
  }

  #flush(): void {
    const pending = this.#pending
    this.#pending = null
    if (pending === null) return
    const inHeader = { seen: false }
    for (const part of partsOf(pending.text)) this.#part(part, pending, inHeader)
    const before = pending.number - reach
    for (let i = this.#open.length - 1; i >= 0; i--) {
      const dump = this.#open[i] as RawDump
      if (dump.lastLine < before) {
        this.#open.splice(i, 1)
        this.#close(dump)
      }
    }
  }

  #close(dump: RawDump): void {
    // A reason or a process alone is not a dump.
    if (dump.header === null && dump.flags === null && dump.raw.length === 0 && dump.head === null) return
    dump.kernel ??= this.#kernel
    this.#done(dump)
  }

  #add(line: number, who: string | null): RawDump {
    if (this.#open.length >= mostOpen) {
      const oldest = this.#open.shift() as RawDump
      this.#warn(oldest.line, `more than ${mostOpen} dumps are unfinished; this one is taken as it is`)
      this.#close(oldest)
    }
    const dump = emptyDump(line, who)
    this.#open.push(dump)
    return dump
  }

  /** The newest dump of that thread for which `fits`, or null. */
  #newest(who: string | null, fits: (dump: RawDump) => boolean): RawDump | null {
    for (let i = this.#open.length - 1; i >= 0; i--) {
      const dump = this.#open[i] as RawDump
      if (dump.who === who && fits(dump)) return dump
    }
    return null
  }

  /** The newest dump of the thread for which one of `ways` holds, the first way first; else a new one. */
  #dumpFor({ number, who }: Pending, ...ways: readonly ((dump: RawDump) => boolean)[]): RawDump {
    let found: RawDump | null = null
    for (const fits of ways) found ??= this.#newest(who, fits)
    const dump = found ?? this.#add(number, who)
    dump.lastLine = number
    return dump
  }

  #part(part: Part, from: Pending, inHeader: { seen: boolean }): void {
    const { number, who } = from
    // What comes before the header (the process, in some kernels the reason) waits a few lines for it.
    const begun = (dump: RawDump): boolean =>
      dump.header === null && dump.raw.length === 0 && dump.flags === null && number - dump.lastLine <= 6
    switch (part.kind) {
      case 'state': {
        const dump = this.#add(number, who)
        dump.process = part.process
        dump.statePfn = part.pfn
        return
      }
      case 'header': {
        this.#dumpFor(from, begun).header = part.keys
        inHeader.seen = true
        return
      }
      case 'head':
        this.#head(part.keys, from, inHeader.seen)
        return
      case 'flags':
        this.#flags(part, from)
        return
      case 'type':
        this.#dumpFor(from, (each) => each.type === null && each.raw.length === 0).type = part.type
        return
      case 'memcg': {
        const dump = this.#newest(who, (each) => each.memcg === null)
        if (dump !== null) Object.assign(dump, { memcg: part.value, memcgForm: part.form })
        return
      }
      case 'aops': {
        const dump = this.#newest(who, (each) => each.aops === null && each.header !== null)
        if (dump !== null) Object.assign(dump, { aops: part.aops, inode: part.inode, dentry: part.dentry })
        return
      }
      case 'because':
        this.#because(part.text, from)
        return
      case 'owner':
        this.#owner(part.owner, who)
        return
      case 'kernel':
        if (part.release !== this.#kernel) this.#kernel = this.#kernels++ === 0 ? part.release : null
        for (const dump of this.#open) if (dump.who === who) dump.kernel ??= part.release
        return
      case 'row':
        this.#row(part, from)
        return
    }
  }

  #head(keys: Map<string, string>, from: Pending, inHeader: boolean): void {
    if (!inHeader) {
      this.#dumpFor(from, (each) => each.head === null && each.raw.length === 0).head = keys
      return
    }
    // In the kernels that print it in the header's own line, it is a part of that.
    const { header } = this.#dumpFor(from, (each) => each.header !== null)
    for (const [key, value] of keys) if (!header?.has(key)) header?.set(key === 'page' ? 'head' : key, value)
  }

  #because(text: string, from: Pending): void {
    const newest = this.#dumpFor(from, (each) => each.because === null)
    // Of two dumps that alternate the older comes first with each line.
    const dump = newest.alternates
      ? (this.#open.find((each) => each.alternates && each.because === null && each.who === from.who) ?? newest)
      : newest
    dump.because = text
  }

  #owner(owner: PageOwner, who: string | null): void {
    const dump = this.#newest(who, () => true)
    if (dump === null) return
    const before = dump.owner
    dump.owner = {
      state: owner.state ?? before?.state ?? null,
      order: owner.order ?? before?.order ?? null,
      migratetype: owner.migratetype ?? before?.migratetype ?? null,
      gfpMask: owner.gfpMask ?? before?.gfpMask ?? null,
      pid: owner.pid ?? before?.pid ?? null,
      process: owner.process ?? before?.process ?? null,
    }
  }

  #flags(part: Part & { kind: 'flags' }, from: Pending): void {
    if (part.bad) {
      const dump = this.#newest(from.who, (each) => each.badFlags === null)
      if (dump !== null) dump.badFlags = part.flags
      return
    }
    const dump = this.#dumpFor(from, (each) => each.flags === null && each.raw.length === 0)
    dump.flags = part.flags
    dump.pageFlagsForm = part.old
    // An older dump that gets the second flags line has been overtaken: both headers came first, so lines come in turns.
    const after = this.#open[this.#open.indexOf(dump) + 1]
    if (after === undefined || after.who !== dump.who || after.flags === null || after.raw.length > 0) return
    ;[dump.flags, after.flags] = [after.flags, dump.flags]
    for (const each of [dump, after]) {
      each.alternates = true
      each.warnings.push('its lines alternate with those of another dump, and no thread is printed')
    }
  }

  #row(part: Part & { kind: 'row' }, from: Pending): void {
    const words = part.words.slice(0, 12)
    if (part.words.length > words.length) this.#warn(from.number, 'a row of more than 12 words was cut')
    if (part.of === 'head') {
      const dump = this.#dumpFor(from, (each) => each.headWords.length < 32 && each.raw.length >= 7)
      dump.headWords.push(...words.slice(0, 32 - dump.headWords.length))
      return
    }
    const first = BigInt(`0x${words[0]}`)
    const dump = this.#dumpFor(
      from,
      // Two dumps at once, and no thread printed: the flags say whose the first row is, the count whose the second.
      (each) => each.raw.length === 0 && each.flags?.value === first,
      (each) => this.#takes(each, words) && countIn(words) !== null && printedCount(each) === countIn(words),
      (each) => this.#takes(each, words),
      (each) => each.raw.length === 0 && each.headWords.length === 0,
    )
    if (isMixed(dump.raw, words)) dump.warnings.push('its rows have words of different widths')
    dump.raw.push(...words)
  }

  /** Whether a row can be the next of this dump: 8 words of 8 bytes or up to 12 of either, no more. */
  #takes(dump: RawDump, words: readonly string[]): boolean {
    const have = dump.raw.length
    if (have === 0 || have + words.length > 12 || dump.headWords.length > 0) return false
    if (isMixed(dump.raw, words)) return true
    const narrow = widest(dump.raw) <= 8 && widest(words) <= 8
    const isFull = have >= 8 || (!narrow && have % 4 !== 0)
    return !isFull || (have >= 8 && words.length <= (narrow ? 4 : 2))
  }

  /** Memory as a debugger prints it: rows whose addresses follow one another. */
  #memoryLine({ content }: CleanLine, number: number): boolean {
    const found = memoryRow.exec(content)
    if (found === null) {
      this.#endMemory()
      return false
    }
    const at = BigInt(`0x${found[1]}`)
    const words = (found[2] as string)
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/^0x/i, '').toLowerCase())
    const bytes = words.length * ((words[0] as string).length / 2)
    const memory = this.#memory
    if (memory !== null && memory.at + BigInt(memory.bytes) === at && memory.words.length + words.length <= 16) {
      memory.words.push(...words)
      memory.bytes += bytes
    } else {
      this.#endMemory()
      this.#memory = { line: number, at, bytes, words }
    }
    return true
  }

  #endMemory(): void {
    const memory = this.#memory
    this.#memory = null
    if (memory === null || memory.words.length < 7 || memory.words.length > 10) return
    const dump = emptyDump(memory.line, null)
    dump.raw = memory.words
    dump.header = new Map([['page', memory.at.toString(16)]])
    this.#done(dump)
  }
}
