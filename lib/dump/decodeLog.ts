import { array, badArgument, oneOf, options, or } from '../base/args.ts'
import { guardThis } from '../base/guardThis.ts'
import { isArray } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'
import { asLayout } from '../btf/asLayout.ts'
import { isDescriptor } from '../btf/describe.ts'
import type { KernelDescriptor } from '../btf/description.ts'
import { tables } from '../native/tables.ts'
import type { Layout, PageType } from '../page/layout.ts'
import { layoutOf, layouts } from '../page/layouts.ts'
import { countIn } from '../pins/countIn.ts'
import { schemeOf } from '../pins/schemes.ts'
import { type Candidate, eraCandidates, ofLayout } from './candidates.ts'
import { decodeDump } from './decodeDump.ts'
import { emptyDump } from './rawDump.ts'
import type { Given } from './reading.ts'
import { DumpReader } from './reader.ts'
import { LineSplitter } from './splitLines.ts'
import type { DecodedDump, DumpType } from './types.ts'

/** How a log is to be read. */
export interface LogOptions {
  /** Read every dump by this layout (or era: `'linux-5.10'`) instead of choosing one. */
  layout?: string | Layout | KernelDescriptor
  /** Layouts to choose among besides the built-in eras: of the registry, or what `importBtf` resolves to. */
  extraLayouts?: readonly (string | Layout | KernelDescriptor)[]
  /** What the pages are; without it, what print and words say. */
  type?: DumpType | PageType
  /** Count the pins of this scheme in the words; without it, as kernels do: 1024 references a pin, exact for large folios. */
  scheme?: string | { readonly name: string }
  /** Dumps after which reading stops; 1000. */
  maxDumps?: number
}

/** Something in a log that could not be read as it stands. */
export interface LogWarning {
  readonly line: number
  readonly text: string
}

/** What a log holds. */
export interface DecodedLog {
  readonly dumps: readonly DecodedDump[]
  readonly warnings: readonly LogWarning[]
  readonly lines: number
}

export const dumpTypes: readonly DumpType[] = [
  ...([
    'unknown',
    'uninitialized',
    'free',
    'buddy',
    'anon',
    'ksm',
    'file',
    'movable',
    'slab',
    'large-kmalloc',
    'page-table',
  ] as const),
  ...(['page-pool', 'hugetlb', 'zsmalloc', 'offline', 'guard', 'balloon', 'kmemcg', 'unaccepted', 'reserved'] as const),
  ...(['compound-head', 'tail', 'device', 'in-use'] as const),
]

const mostWarnings = 100
const mostLayouts = 64

/** A layout, an era of the table by its name, or a kernel as it is in memory. */
function candidateOf(value: unknown, argument: string): Candidate {
  if (isDescriptor(value)) return ofLayout(asLayout(value))
  const era =
    typeof value === 'string' && !layouts.has(value) ? eraCandidates.find(({ name }) => name === value) : undefined
  return era ?? ofLayout(layoutOf(value, argument))
}

function readOptions(value: unknown): Given & { maxDumps: number } {
  const given = options(value, 'options', ['layout', 'extraLayouts', 'type', 'scheme', 'maxDumps'] as const)
  const only = given.layout === undefined ? null : candidateOf(given.layout, 'options.layout')
  const list = or(given.extraLayouts, [])
  if (!isArray(list) || list.length > mostLayouts)
    throw badArgument(
      'ERR_PAGEBOX_ARG_TYPE',
      'options.extraLayouts',
      list,
      `an array of at most ${mostLayouts} layouts, their names, or imported kernels`,
    )
  const extra = list.map((each, i) => candidateOf(each, `options.extraLayouts[${i}]`))
  const type =
    given.type === undefined ? null : oneOf(given.type, 'options.type', [...dumpTypes, ...tables().pageTypes])
  const maxDumps = or(given.maxDumps, 1000)
  if (typeof maxDumps !== 'number' || !Number.isInteger(maxDumps) || maxDumps < 1 || maxDumps > 100_000)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.maxDumps', maxDumps, 'an integer from 1 to 100000')
  const scheme = given.scheme === undefined ? null : schemeOf(given.scheme, 'options.scheme')
  const pins: Given['pins'] =
    scheme === null
      ? null
      : (words, wordBytes) => {
          const named = only?.layout ?? null
          const layout =
            named?.wordBytes === wordBytes
              ? named
              : layoutOf(wordBytes === 8 ? 'linux-6.12' : 'linux-6.12-32', 'options.layout')
          return countIn(words, layout, scheme)
        }
  return { only, extra, type, pins, pinsName: scheme?.name ?? '', maxDumps }
}

/**
 * Reads a log piece by piece: `write` text in chunks of any size, then `end`. Memory is bounded by the longest line,
 * the dumps that are not finished, and the dumps that are found.
 */
export class LogDecoder {
  readonly #given: Given & { maxDumps: number }
  readonly #dumps: DecodedDump[] = []
  readonly #warnings: LogWarning[] = []
  readonly #splitter: LineSplitter
  #lines = 0
  #ignored = 0

  constructor(value?: LogOptions) {
    this.#given = readOptions(value)
    const warn = (line: number, text: string): void => {
      if (this.#warnings.length < mostWarnings) this.#warnings.push({ line, text })
    }
    const reader = new DumpReader((dump) => {
      if (this.#dumps.length < this.#given.maxDumps) this.#dumps.push(decodeDump(dump, this.#given))
      else if (this.#ignored++ === 0) warn(dump.line, `more than ${this.#given.maxDumps} dumps: the rest is left out`)
    }, warn)
    this.#splitter = new LineSplitter((line, number) => {
      this.#lines = number
      // Behind the last dump that is wanted lines are counted, no more.
      if (this.#ignored === 0) reader.line(line, number)
    }, warn)
    this.#end = () => {
      this.#splitter.end()
      reader.end()
    }
  }

  readonly #end: () => void

  #log: DecodedLog | null = null

  write(chunk: string): void {
    if (typeof chunk !== 'string') throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'chunk', chunk, 'a string')
    if (this.#log !== null) throw new PageboxError('ERR_PAGEBOX_CLOSED', 'the log has ended: write before end()')
    this.#splitter.write(chunk)
  }

  /** What the log holds. The same again when asked again. */
  end(): DecodedLog {
    if (this.#log !== null) return this.#log
    this.#end()
    this.#log = {
      dumps: this.#dumps.sort((a, b) => a.line - b.line),
      warnings: this.#warnings,
      lines: this.#lines,
    }
    return this.#log
  }

  static {
    guardThis(LogDecoder, (value) => typeof value === 'object' && value !== null && #log in value, 'a decoder of a log')
  }
}

/** More than a log has; an iterable may never end. */
const mostPieces = 1 << 24
const mostCharacters = 1 << 28
/** Pieces that are looked at to tell lines from chunks. */
const lookahead = 1 << 16

function writePieces(decoder: LogDecoder, log: unknown): void {
  const allowed = 'a string or an iterable of strings'
  const iterable = typeof log === 'object' && log !== null ? (log as Iterable<unknown>) : null
  if (iterable === null || typeof iterable[Symbol.iterator] !== 'function')
    throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'log', log, allowed)
  let held: string[] | null = []
  let heldCharacters = 0
  let lines = false
  let count = 0
  let characters = 0
  const write = (piece: string): void => decoder.write(lines ? `${piece}\n` : piece)
  // Without a newline in any of them the pieces are lines; with one, chunks that break anywhere.
  const decide = (): void => {
    lines = held !== null && !held.some((each) => each.includes('\n'))
    for (const each of held ?? []) write(each)
    held = null
  }
  for (const piece of iterable) {
    if (typeof piece !== 'string') throw badArgument('ERR_PAGEBOX_ARG_TYPE', `log[${count}]`, piece, 'a string')
    characters += piece.length
    if (++count > mostPieces || characters > mostCharacters)
      throw new PageboxError(
        'ERR_PAGEBOX_ARG_RANGE',
        `log must be at most ${mostPieces} pieces of ${mostCharacters} characters in all`,
        {
          argument: 'log',
          given: 'more',
          allowed: `${mostPieces} pieces of ${mostCharacters} characters`,
        },
      )
    if (held === null) write(piece)
    else {
      held.push(piece)
      heldCharacters += piece.length
      if (piece.includes('\n') || heldCharacters > lookahead || held.length > lookahead) decide()
    }
  }
  if (held !== null) decide()
}

/**
 * Finds every dump of a descriptor in a log and decodes it: as text, or as pieces of text of any size. Prefixes of
 * dmesg, journals and consoles, quotes of mail and wrapped lines are seen through. What a dump does not tell is null and
 * listed in `unknown`; where print and words disagree there is a warning.
 */
export function decodeLog(log: string | Iterable<string>, value?: LogOptions): DecodedLog {
  const decoder = new LogDecoder(value)
  if (typeof log === 'string') decoder.write(log)
  else {
    writePieces(decoder, log)
  }
  return decoder.end()
}

/** Decodes the bare words of one descriptor, in hexadecimal as a log would print them. */
export function decodeBareWords(
  words: readonly string[],
  headWords: readonly string[] = [],
  value?: LogOptions,
): DecodedDump {
  const read = (list: unknown, argument: string): string[] =>
    array(list, argument, (word, where) => {
      const allowed = 'hexadecimal digits, at most 16'
      if (typeof word !== 'string') throw badArgument('ERR_PAGEBOX_ARG_TYPE', where, word, allowed)
      if (!/^[\da-f]{1,16}$/i.test(word)) throw badArgument('ERR_PAGEBOX_ARG_RANGE', where, word, allowed)
      return word
    })
  const dump = emptyDump(1, null)
  dump.raw = read(words, 'words').slice(0, 16)
  dump.headWords = read(headWords, 'headWords').slice(0, 32)
  return decodeDump(dump, readOptions(value))
}
