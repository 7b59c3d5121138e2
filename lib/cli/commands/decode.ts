import type { Command } from 'commander'
import { inputStream } from '../../base/inputStream.ts'
import type { DecodedLog, LogOptions } from '../../dump/decodeLog.ts'
import type { DecodedDump } from '../../dump/types.ts'
import type { PageType } from '../../page/layout.ts'
import { UsageError } from '../failure.ts'
import { type BtfOptions, btfHelp, hasBtf, kconfigHelp, readKernel } from '../importedLayout.ts'
import { chunksOf, type Io } from '../io.ts'
import { toJson } from '../json.ts'
import { pick } from '../parse.ts'
import { decodeText } from '../text/decode.ts'
import { parseWords } from '../words.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import type { Context } from './context.ts'

interface Options extends BtfOptions, OwnOptions {
  layout?: string
  scheme?: string
  type?: string
  file?: string
  json?: boolean
}

const examples = `
A log is read from standard input or a file: dmesg, journals, consoles, mails; every dump_page() and
bad page report in it is decoded, whatever stands before the lines. The printed flags line and the
other lines choose the layout. Words alone are hexadecimal, with or without 0x, in the order of
memory; what they cannot tell is printed as "?".

Examples:
  $ dmesg | pagebox decode
  $ pagebox decode --file console.log --json
  $ dmesg | grep raw: | head -2 | pagebox decode
  $ pagebox decode --file console.log --btf vmlinux.btf
  $ pagebox decode 17ffffc0000020 dead000000000100 dead000000000122 0 7f12 0 ffffffff00000000 0
  $ pagebox decode --type anon --layout linux-4.20 17ffffc0080034 0 0 7f1 0 0 1ffffffff`

/** gzip, xz, zstd, bzip2 and lz4, read as text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what files begin with
const compressed = /^(?:\u001f|\ufffd7zXZ|\(\ufffd\/\ufffd|BZh\d1AY|\u0004"M\u0018|\u0002!L\u0018)/

/** What is kept of standard input in case that it holds words alone. */
const longestWords = 4096

async function* fileChunks(path: string, signal: AbortSignal): AsyncIterable<string> {
  try {
    yield* chunksOf(inputStream(path), signal)
  } catch (error) {
    if (signal.aborted) throw error
    throw new UsageError(`${path}: ${(error as Error).message}`)
  }
}

async function* inputOf(io: Io, file: string | undefined): AsyncIterable<string> {
  if (file !== undefined) yield* fileChunks(file, io.signal)
  else if (io.readChunks !== undefined) yield* io.readChunks()
  else yield await io.readInput()
}

/** Reads a log piece by piece, and lets others run in between. */
async function readLog(
  io: Io,
  file: string | undefined,
  given: LogOptions,
): Promise<{ log: DecodedLog; begin: string }> {
  const { LogDecoder } = await import('../../dump/decodeLog.ts')
  const decoder = new LogDecoder(given)
  let begin = ''
  for await (const chunk of inputOf(io, file)) {
    if (begin.length <= longestWords) begin += chunk.slice(0, longestWords + 1 - begin.length)
    for (let at = 0; at < chunk.length; at += 1 << 16) decoder.write(chunk.slice(at, at + (1 << 16)))
  }
  return { log: decoder.end(), begin }
}

/** The words of one descriptor, without anything around them. */
async function readBare(text: string, given: LogOptions): Promise<DecodedDump> {
  const { decodeBareWords, layouts } = await import('../../index.ts')
  const { layout: name } = given
  const tokens = text.split(/[\s,]+/).filter((token) => token !== '' && !token.endsWith(':'))
  // Words of 8 digits each are those of a 32-bit kernel, unless the layout says otherwise.
  const narrow = tokens.length >= 7 && tokens.every((token) => /^(0x)?[\da-f]{8}$/i.test(token))
  // An era has words of either width.
  const layout = typeof name === 'string' && layouts.has(name) ? layouts.get(name) : null
  if (narrow && layout?.wordBytes === 8)
    throw new UsageError(`words of 8 digits are those of a 32-bit kernel; layout ${layout.name} has words of 8 bytes`)
  const wordBytes =
    layout?.wordBytes ?? (narrow || (tokens.length > 8 && tokens.every(({ length }) => length <= 8)) ? 4 : 8)
  const words = parseWords(text, {
    // What follows the counts may be left out, as decodeWords allows.
    fewest: layout === null ? (wordBytes === 8 ? 7 : 8) : Math.ceil((layout.refcountOffsetBytes + 4) / wordBytes),
    most: layout === null ? (wordBytes === 8 ? 8 : 10) : layout.strideBytes / wordBytes,
    wordBytes,
  })
  return decodeBareWords(
    words.map((word) => word.toString(16).padStart(wordBytes * 2, '0')),
    [],
    given,
  )
}

/** As JSON holds it. Words are addresses to a reader: hexadecimal, whole, and not numbers that lose bits. */
function jsonOf(dump: DecodedDump): object {
  const word = (value: bigint): string => `0x${value.toString(16).padStart(dump.wordBytes * 2, '0')}`
  const hex = (value: bigint): string => `0x${value.toString(16)}`
  return {
    ...dump,
    pfn: dump.pfn === null ? null : hex(dump.pfn),
    index: dump.index === null ? null : hex(dump.index),
    fields: dump.fields.map((field) => ({ ...field, value: hex(field.value) })),
    words: dump.words.map(word),
    headWords: dump.headWords.map(word),
  }
}

async function run(words: string[], options: Options, { io }: Context): Promise<void> {
  const { decodeLog, dumpTypes, layouts, pageTypes, schemes } = await import('../../index.ts')
  const { eras } = await import('../../dump/eras.ts')
  if (options.btf !== undefined && options.layout !== undefined)
    throw new UsageError('--layout and --btf exclude each other')
  const kernel = hasBtf(options) ? await readKernel(options) : undefined
  const types = [...new Set([...dumpTypes, ...pageTypes])].map((name) => ({ name }))
  const given: LogOptions = {
    ...(options.layout !== undefined && { layout: pick([...layouts, ...eras], options.layout, 'layout').name }),
    ...(kernel !== undefined && { extraLayouts: [kernel] }),
    ...(options.scheme !== undefined && { scheme: pick([...schemes], options.scheme, 'scheme').name }),
    ...(options.type !== undefined && { type: pick(types, options.type, 'page type').name as PageType }),
  }
  const fromInput = words.length === 0 || words[0] === '-'
  if (options.file !== undefined && words.length > 0) throw new UsageError('words and --file exclude each other')
  let dumps: readonly DecodedDump[]
  let bare: DecodedDump | null = null
  if (!fromInput) {
    const text = words.join(' ')
    // Somebody who has pasted lines of a log means them.
    const pasted = /\b(?:raw|page|flags):/.test(text) ? decodeLog(text, given).dumps : []
    if (pasted.length === 0) bare = await readBare(text, given)
    dumps = bare === null ? pasted : [bare]
  } else {
    const { log, begin } = await readLog(io, options.file, given)
    for (const { line, text } of log.warnings) io.err(`pagebox: line ${line}: ${text}\n`)
    dumps = log.dumps
    if (dumps.length === 0) {
      const onlyWords = begin.trim() !== '' && begin.length <= longestWords && /^[\s,x\da-f:]+$/i.test(begin)
      if (compressed.test(begin))
        throw new UsageError(`${options.file ?? 'standard input'} is compressed: unpack it first`)
      if (!onlyWords)
        throw new UsageError(`no dump of a descriptor in ${options.file ?? 'standard input'} (${log.lines} lines)`)
      bare = await readBare(begin, given)
      dumps = [bare]
    }
  }
  const documents = dumps.map(jsonOf)
  if (options.json) io.out(`${toJson(bare === null ? { dumps: documents } : { ...documents[0], dumps: documents })}\n`)
  else io.out(decodeText(dumps, io))
}

export function addDecode(program: Command, context: Context): void {
  addOwnOptions(program.command('decode'))
    .description('descriptors out of a kernel log, or the words of one: what they say, and what made them bad')
    .argument('[words...]', 'the words of one descriptor, hexadecimal; "-" or none: a log on standard input')
    .option('--file <log>', 'read the log from a file')
    .option('--layout <name>', 'which word means what; without it, what print and words speak for')
    .option('--btf <file>', `one more layout to choose, ${btfHelp}`)
    .option('--kconfig <file>', kconfigHelp)
    .option('--scheme <name>', 'read the pins of this scheme; without it, as kernels count them')
    .option('--type <type>', 'take it for this page type instead of recognising it')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
    .action((words: string[], options: Options) => withOwn(options, context.io, () => run(words, options, context)))
}
