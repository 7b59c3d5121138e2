import type { Command } from 'commander'
import { PageboxError } from '../../errors.ts'
import type { PageType } from '../../page/layout.ts'
import type { SearchOptions, SearchResult } from '../../search/types.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { UsageError } from '../failure.ts'
import { toJson } from '../json.ts'
import { addLayoutOptions, type LayoutOptions, withLayout } from '../machine.ts'
import { Output } from '../output.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import { integer, integers, names, pick } from '../parse.ts'
import { progressBar } from '../progress.ts'
import { searchText } from '../text/search.ts'
import type { Context } from './context.ts'

interface Options extends LayoutOptions, OwnOptions {
  types: string[]
  orders: number[]
  minPins?: number
  exact?: boolean
  fuzzyFrom?: number
  /** `--no-growth`, as commander has it. */
  growth: boolean
  lock: boolean
  maxFlagBits?: number
  json?: boolean
  html?: string
}

const examples = `
Examples:
  $ pagebox search                                     anon and file pages of linux-6.12
  $ pagebox search --layout linux-4.20 --types anon,file,device-private-anon --exact --no-growth
  $ pagebox search --min-pins 65536 --exact --no-lock --max-flag-bits 1
  $ pagebox search --btf /sys/kernel/btf/vmlinux --types anon,file,fsdax --orders 0,9

Exit code 0, whether a place is found or none. 1: table and memory differ, or a race or an
exploration found something in a place that fits. 130: interrupted, 143: terminated; all
places are printed, proofs and costs as far as they came.`

const flags: Readonly<Record<string, string>> = {
  layout: '--layout',
  types: '--types',
  orders: '--orders',
  minPins: '--min-pins',
  exact: '--exact',
  fuzzyFrom: '--fuzzy-from',
  maxFlagBits: '--max-flag-bits',
}

/** What the API says of its options, in the words of the command line. */
function inFlags(error: unknown): unknown {
  if (!(error instanceof PageboxError) || !error.argument?.startsWith('options.')) return error
  const said = error.message.replaceAll(/options\.(\w+)(\[\d+\])?/g, (all, key: string) => flags[key] ?? all)
  return new UsageError(said)
}

async function run(asked: Options, command: Command, { io, exit }: Context): Promise<void> {
  const options = await withLayout(asked, command)
  const { layouts, search } = await import('../../index.ts')
  pick([...layouts], options.layout, 'layout')
  const html = options.html === undefined ? undefined : new Output(options.html)
  const bar = progressBar(io)
  try {
    const question: SearchOptions = {
      layout: options.layout,
      types: options.types as PageType[],
      orders: options.orders,
      noGrowth: !options.growth,
      noLock: !options.lock,
      signal: io.signal,
      onProgress: ({ done, total, what }) => bar.update(done, total ?? done, what),
      ...(options.minPins !== undefined && { minPins: options.minPins }),
      ...(options.exact && { exact: true }),
      ...(options.fuzzyFrom !== undefined && { fuzzyFrom: options.fuzzyFrom }),
      ...(options.maxFlagBits !== undefined && { maxFlagBits: options.maxFlagBits }),
    }
    let result: SearchResult
    try {
      result = await search(question)
    } catch (error) {
      throw inFlags(error)
    } finally {
      bar.stop()
    }
    io.out(options.json ? `${toJson(result)}\n` : searchText(result, io))
    if (html !== undefined) {
      const { searchPage } = await import('../../report/search.ts')
      html.write(searchPage(result))
      html.commit()
    }
    if (result.findings.length > 0) exit(exitCodes.finding)
    else if (!result.complete) exit(exitOfAbort(io.signal))
  } finally {
    html?.discard()
  }
}

export function addSearch(program: Command, context: Context): void {
  const searched = program
    .command('search')
    .description('where a pin count can live on all these pages: places, proofs, costs, and why not')
  addLayoutOptions(addOwnOptions(searched))
    .option('--types <names>', 'page types that all must have room, with commas', names, ['anon', 'file'])
    .option('--orders <list>', 'orders of their folios', integers(0, 10), [0])
    .option('--min-pins <n>', 'pins of one page that must be counted', integer(1, 2 ** 31 - 1))
    .option('--exact', 'no false positives')
    .option('--fuzzy-from <n>', 'a page of so many references may read as pinned', integer(2, 2 ** 20))
    .option('--no-growth', 'the descriptor keeps its size')
    .option('--no-lock', 'no lock is taken')
    .option('--max-flag-bits <n>', 'spare bits of page->flags that may be used', integer(0, 64))
    .option('--json', 'one JSON document on standard output')
    .option('--html <file>', 'a page of its own, which needs no network')
    .addHelpText('after', examples)
    .action((options: Options, command: Command) => withOwn(options, context.io, () => run(options, command, context)))
}
