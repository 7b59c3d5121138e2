import type { Command } from 'commander'
import type { PageType } from '../../page/layout.ts'
import { toJson } from '../json.ts'
import { pick } from '../parse.ts'
import { decodeText } from '../text/decode.ts'
import { parseWords } from '../words.ts'
import type { Context } from './context.ts'

interface Options {
  layout: string
  scheme?: string
  type?: string
  json?: boolean
}

const examples = `
Words are hexadecimal, with or without 0x, in the order of memory, as dump_page prints
them after "raw:". Without words, or with "-", they are read from standard input.

Examples:
  $ pagebox decode 17ffffc0000020 dead000000000100 dead000000000122 0 7f12 0 ffffffff00000000 0
  $ dmesg | grep raw: | head -2 | pagebox decode --layout linux-6.12 --scheme refcount-bias
  $ pagebox decode --type anon --layout linux-4.20 17ffffc0080034 0 0 7f1 0 0 1ffffffff`

async function run(given: string[], options: Options, { io }: Context): Promise<void> {
  const { decodeWords, layouts, pageTypes, schemes } = await import('../../index.ts')
  const layout = pick([...layouts], options.layout, 'layout')
  const scheme = options.scheme === undefined ? undefined : pick([...schemes], options.scheme, 'scheme')
  const types = pageTypes.map((name) => ({ name }))
  const type = options.type === undefined ? undefined : pick(types, options.type, 'page type').name
  const text = given.length === 0 || given[0] === '-' ? await io.readInput() : given.join(' ')
  const words = parseWords(text, {
    // What follows the counts may be left out, as decodeWords allows.
    fewest: Math.ceil((layout.refcountOffsetBytes + 4) / layout.wordBytes),
    most: layout.strideBytes / layout.wordBytes,
    wordBytes: layout.wordBytes,
  })
  const page = decodeWords(words, {
    layout: layout.name,
    ...(scheme && { scheme: scheme.name }),
    ...(type && { type: type as PageType }),
  })
  if (options.json) {
    const width = layout.wordBytes * 2
    // Words are addresses to a reader: hexadecimal, whole, and not numbers that lose bits.
    const hex = (value: bigint): string => `0x${value.toString(16).padStart(width, '0')}`
    const fields = page.fields.map((field) => ({ ...field, value: `0x${field.value.toString(16)}` }))
    io.out(`${toJson({ ...page, words: page.words.map(hex), fields })}\n`)
    return
  }
  io.out(decodeText(page, layout.wordBytes, io))
}

export function addDecode(program: Command, context: Context): void {
  program
    .command('decode')
    .description('the words of a descriptor from a crash dump, as dump_page would say them')
    .argument('[words...]', 'the words of one descriptor, hexadecimal')
    .option('--layout <name>', 'which word means what', 'linux-6.12')
    .option('--scheme <name>', 'read the pins of this scheme', 'refcount-bias')
    .option('--type <type>', 'take it for this page type instead of guessing')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
    .action((words: string[], options: Options) => run(words, options, context))
}
