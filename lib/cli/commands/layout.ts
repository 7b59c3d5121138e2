import type { Command } from 'commander'
import { orders } from '../../compare/rooms.ts'
import type { Layout, PageType } from '../../page/layout.ts'
import type { Room } from '../../pins/scheme.ts'
import { UsageError } from '../failure.ts'
import { toJson } from '../json.ts'
import { pick } from '../parse.ts'
import { type Claim, layoutList, layoutText } from '../text/layout.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import type { Context } from './context.ts'

interface Options extends OwnOptions {
  btf?: string
  kconfig?: string
  scheme?: string
  struct?: string
  type?: string
  json?: boolean
}

const examples = `
Examples:
  $ pagebox layout                                   what there is
  $ pagebox layout linux-4.20                        word by word, for each page type
  $ pagebox layout linux-4.20 --type device-private-anon
  $ pagebox layout linux-4.20 --scheme lru-overlay   what it claims, and what collides
  $ pagebox layout --btf /sys/kernel/btf/vmlinux     the running kernel's`

async function run(name: string | undefined, options: Options, context: Context): Promise<void> {
  const { io } = context
  const { pagebox } = await import('../subject.ts')
  const claimOf = (wanted: string, layoutOf: () => Layout): Claim => {
    const scheme = pick(pagebox.schemes, wanted, 'scheme')
    const layout = layoutOf().name
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
  if (options.btf !== undefined) {
    if (name !== undefined) throw new UsageError(`give a layout or --btf, not both`)
    const { btf } = options
    const { printKernel, printStruct } = await import('./layoutOfKernel.ts')
    if (options.struct !== undefined) await printStruct(options.struct, { ...options, btf }, context)
    else await printKernel({ ...options, btf }, context, claimOf)
    return
  }
  if (options.struct !== undefined) throw new UsageError('--struct belongs to --btf')
  if (options.kconfig !== undefined) throw new UsageError('--kconfig belongs to --btf')
  if (name === undefined) {
    const all = pagebox.layouts
    io.out(options.json ? `${toJson({ layouts: all })}\n` : layoutList(all, io))
    return
  }
  const layout = pick(pagebox.layouts, name, 'layout')
  const type =
    options.type &&
    pick(
      layout.types.map((each) => ({ name: each })),
      options.type,
      'page type',
    ).name
  const claim = options.scheme === undefined ? undefined : claimOf(options.scheme, () => layout)
  if (options.json) {
    const types = type === undefined ? layout.types : [type]
    io.out(
      `${toJson({ layout, ...(claim && { scheme: claim.scheme, room: types.map((each) => claim.roomOf(each)) }) })}\n`,
    )
    return
  }
  io.out(layoutText(layout, claim, type || undefined, io))
}

export function addLayout(program: Command, context: Context): void {
  addOwnOptions(program.command('layout'))
    .description('the page descriptor word by word, for each page type')
    .argument('[name]', 'layout; without it, the list of layouts')
    .option('--btf <file>', "a real kernel's: BTF, vmlinux or vmlinuz, or /sys/kernel/btf/vmlinux")
    .option('--kconfig <file>', 'the configuration of that kernel, if it does not lie beside it')
    .option('--struct <name>', 'of that kernel: a struct of any name, as pahole prints it')
    .option('--scheme <name>', 'show what this scheme claims and what collides')
    .option('--type <type>', 'only this page type')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
    .action((name: string | undefined, options: Options) =>
      withOwn(options, context.io, () => run(name, options, context)),
    )
}
