import type { Command } from 'commander'
import { orders } from '../../compare/rooms.ts'
import type { Layout, PageType } from '../../page/layout.ts'
import type { Room } from '../../pins/scheme.ts'
import { UsageError } from '../failure.ts'
import { toJson } from '../json.ts'
import { hasBtf, btfHelp, kconfigHelp } from '../importedLayout.ts'
import { integer, integers, names, pick } from '../parse.ts'
import { type Claim, layoutList, layoutText } from '../text/layout.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import type { Context } from './context.ts'
import { pageTypesOf } from './pageTypesOf.ts'

interface Options extends OwnOptions {
  btf?: string
  kconfig?: string
  scheme?: string
  struct?: string
  type?: string[]
  freeBits?: number
  orders?: number[]
  diff?: string[]
  json?: boolean
}

const examples = `
Examples:
  $ pagebox layout                                   what there is
  $ pagebox layout linux-4.20                        word by word, for each page type
  $ pagebox layout linux-4.20 --type device-private-anon
  $ pagebox layout linux-4.20 --scheme lru-overlay   what it claims, and what collides
  $ pagebox layout --btf /sys/kernel/btf/vmlinux     the running kernel's
  $ pagebox layout linux-6.12 --free-bits 20 --type anon,file,fsdax --orders 0,9
  $ pagebox layout --diff linux-4.20 linux-6.12      what the second has otherwise`

async function run(name: string | undefined, options: Options, context: Context): Promise<void> {
  const { io } = context
  const { pagebox } = await import('../subject.ts')
  const claimOf = (wanted: string, { name: layout }: Layout): Claim => {
    const scheme = pick(pagebox.schemes, wanted, 'scheme')
    return {
      scheme,
      // Tails and heads exist from some order on; the smallest one at which they do is shown.
      roomOf: (pageType) => {
        const rooms = orders.map(
          (order): Room => pagebox.room({ scheme, layout, pageType: pageType as PageType, order }),
        )
        return rooms.find((room) => room.cell !== 'impossible') ?? (rooms[0] as Room)
      },
    }
  }
  const asked = { ...options, ...(name !== undefined && { name }) }
  if (options.diff !== undefined) return (await import('./layoutQuestions.ts')).printDiff(asked, context)
  if (options.freeBits !== undefined) return (await import('./layoutQuestions.ts')).printFreeBits(asked, context)
  if (options.orders !== undefined) throw new UsageError('--orders belongs to --free-bits')
  if (hasBtf(options)) {
    if (name !== undefined) throw new UsageError(`give a layout or --btf, not both`)
    const { printKernel, printStruct } = await import('./layoutOfKernel.ts')
    if (options.struct !== undefined) await printStruct(options.struct, options, context)
    else await printKernel(options, context, claimOf)
    return
  }
  if (options.struct !== undefined) throw new UsageError('--struct belongs to --btf')
  if (name === undefined) {
    const all = pagebox.layouts
    io.out(options.json ? `${toJson({ layouts: all })}\n` : layoutList(all, io))
    return
  }
  const layout = pick(pagebox.layouts, name, 'layout')
  const only = pageTypesOf(layout, options.type)
  const claim = options.scheme === undefined ? undefined : claimOf(options.scheme, layout)
  if (options.json) {
    const types = only ?? layout.types
    io.out(
      `${toJson({ layout, ...(claim && { scheme: claim.scheme, room: types.map((each) => claim.roomOf(each)) }) })}\n`,
    )
    return
  }
  io.out(layoutText(layout, claim, only, io))
}

export function addLayout(program: Command, context: Context): void {
  addOwnOptions(program.command('layout'))
    .description('the page descriptor word by word, for each page type')
    .argument('[name]', 'layout; without it, the list of layouts')
    .option('--btf <file>', btfHelp)
    .option('--kconfig <file>', kconfigHelp)
    .option('--struct <name>', 'of that kernel: a struct of any name, as pahole prints it')
    .option('--scheme <name>', 'show what this scheme claims and what collides')
    .option('--type <names>', 'only these page types, with commas', names)
    .option(
      '--free-bits <n>',
      'which n bits are free on all these page types; if none are, who holds the nearest',
      integer(1, 512),
    )
    .option('--orders <list>', 'for --free-bits: pages of these orders; 0', integers(0, 10))
    .option('--diff <layouts...>', 'what the second of two has otherwise; a layout, or a file as --btf takes')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
    .action((name: string | undefined, options: Options) =>
      withOwn(options, context.io, () => run(name, options, context)),
    )
}
