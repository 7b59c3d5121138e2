import type { Command } from 'commander'
import { orders } from '../../compare/rooms.ts'
import type { PageType } from '../../page/layout.ts'
import type { Room } from '../../pins/scheme.ts'
import { toJson } from '../json.ts'
import { pick } from '../parse.ts'
import { type Claim, layoutList, layoutText } from '../text/layout.ts'
import type { Context } from './context.ts'

interface Options {
  scheme?: string
  type?: string
  json?: boolean
}

const examples = `
Examples:
  $ pagebox layout                                   what there is
  $ pagebox layout linux-4.20                        word by word, for each page type
  $ pagebox layout linux-4.20 --type device-private-anon
  $ pagebox layout linux-4.20 --scheme lru-overlay   what it claims, and what collides`

async function run(name: string | undefined, options: Options, { io }: Context): Promise<void> {
  const { pagebox } = await import('../subject.ts')
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
  const scheme = options.scheme === undefined ? undefined : pick(pagebox.schemes, options.scheme, 'scheme')
  const claim: Claim | undefined = scheme && {
    scheme,
    // Tails and heads exist from some order on; the smallest one at which they do is shown.
    roomOf: (pageType) => {
      const rooms = orders.map(
        (order): Room => pagebox.room({ scheme, layout: layout.name, pageType: pageType as PageType, order }),
      )
      return rooms.find((room) => room.cell !== 'impossible') ?? (rooms[0] as Room)
    },
  }
  if (options.json) {
    const types = type === undefined ? layout.types : [type]
    io.out(`${toJson({ layout, ...(claim && { scheme, room: types.map((each) => claim.roomOf(each)) }) })}\n`)
    return
  }
  io.out(layoutText(layout, claim, type || undefined, io))
}

export function addLayout(program: Command, context: Context): void {
  program
    .command('layout')
    .description('the page descriptor word by word, for each page type')
    .argument('[name]', 'layout; without it, the list of layouts')
    .option('--scheme <name>', 'show what this scheme claims and what collides')
    .option('--type <type>', 'only this page type')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', examples)
    .action((name: string | undefined, options: Options) => run(name, options, context))
}
