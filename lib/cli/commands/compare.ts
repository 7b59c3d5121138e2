import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { type BaselineReport, compareWithBaseline } from '../../compare/baseline.ts'
import { compare } from '../../compare/compare.ts'
import { toCsv } from '../../compare/csv.ts'
import { type CompareDocument, compareDocument } from '../../compare/document.ts'
import type { Effort } from '../../compare/plan.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { UsageError } from '../failure.ts'
import { toJson } from '../json.ts'
import { Output } from '../output.ts'
import { integer, names, pick, pickMany } from '../parse.ts'
import { progressBar } from '../progress.ts'
import { baselineText, compareText, detailedLayouts } from '../text/compare.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import type { Context } from './context.ts'

interface Options extends OwnOptions {
  quick?: boolean
  thorough?: boolean
  schemes?: string[]
  layouts?: string[]
  costLayout?: string
  seed: number
  json?: boolean
  csv?: string
  html?: string
  baseline?: string
}

const examples = `
Examples:
  $ pagebox compare                          all schemes, all layouts, within 90 seconds
  $ pagebox compare --quick                  the same within 20, with wider intervals
  $ pagebox compare --layouts linux-4.20 --schemes lru-overlay,refcount-bias
  $ pagebox compare --quick --schemes mine --scheme-file mine.json
  $ pagebox compare --html report.html       also as a page to send to somebody
  $ pagebox compare --json > old.json        keep it, and later:
  $ pagebox compare --baseline old.json      what changed, with intervals

Exit code 0 although schemes collide: that is the answer. 1: the table of a scheme
and the probe in memory differ, which is a bug of pagebox. 130: interrupted, 143:
terminated; what was measured until then is printed.`

function readBaseline(file: string): CompareDocument {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`--baseline ${file}: ${(error as Error).message}`)
  }
  const parsed = compareDocument.safeParse(content)
  if (parsed.success) return parsed.data
  const first = parsed.error.issues[0]
  throw new UsageError(
    `--baseline ${file} is no document of pagebox compare --json: ${first?.path.join('.')}: ${first?.message}`,
  )
}

function effortOf(options: Options): Effort {
  if (options.quick && options.thorough) throw new UsageError('--quick and --thorough exclude each other')
  if (options.quick) return 'quick'
  return options.thorough ? 'thorough' : 'default'
}

async function run(options: Options, context: Context): Promise<void> {
  const effort = effortOf(options)
  const baseline = options.baseline === undefined ? undefined : readBaseline(options.baseline)
  // Before the work: a result that could not be written is known now, not in a minute and a half.
  const files = [options.csv, options.html].map((file) => (file === undefined ? undefined : new Output(file)))
  try {
    await measure(options, effort, baseline, { csv: files[0], html: files[1] }, context)
  } finally {
    for (const file of files) file?.discard()
  }
}

interface Files {
  csv: Output | undefined
  html: Output | undefined
}

async function measure(
  options: Options,
  effort: Effort,
  baseline: CompareDocument | undefined,
  files: Files,
  { io, exit }: Context,
): Promise<void> {
  const { pagebox } = await import('../subject.ts')
  const schemes = pickMany(pagebox.schemes, options.schemes, 'scheme')
  const layouts = pickMany(pagebox.layouts, options.layouts, 'layout')
  const costLayout = pick(pagebox.layouts, options.costLayout ?? 'linux-6.12', 'layout')
  const bar = progressBar(io)
  let document: CompareDocument
  try {
    document = await compare(pagebox, {
      effort,
      schemes,
      layouts,
      costLayout,
      seed: options.seed,
      signal: io.signal,
      onProgress: ({ done, total, what }) => bar.update(done, total, what),
    })
  } finally {
    bar.stop()
  }
  const report: BaselineReport | undefined = baseline && compareWithBaseline(baseline, document)
  files.csv?.write(toCsv(document))
  files.csv?.commit()
  if (files.html !== undefined) {
    // The plots bring a DOM with them; who wants no page does not wait for it.
    const { reportPage } = await import('../../report/page.ts')
    files.html.write(reportPage(document))
    files.html.commit()
  }
  if (options.json) {
    io.out(`${toJson(report === undefined ? document : { ...document, baseline: report })}\n`)
  } else {
    io.out(compareText(document, detailedLayouts(document, options.layouts !== undefined), io))
    if (report !== undefined) io.out(`\n${baselineText(report, io)}`)
  }
  // A collision of a scheme is an answer; only a table that memory contradicts is a finding.
  if (document.disagreements.length > 0) exit(exitCodes.finding)
  if (io.signal.aborted) exit(exitOfAbort(io.signal))
}

export function addCompare(program: Command, context: Context): void {
  addOwnOptions(program.command('compare'))
    .description('which scheme fits which page type in which layout, what it damages, what it costs, where it ends')
    .option('--quick', 'within 20 seconds, with wider intervals')
    .option('--thorough', 'more rounds, threads, working sets, page types and orders; takes what it takes')
    .option('--schemes <names>', 'only these, separated by commas', names)
    .option('--layouts <names>', 'only these, separated by commas; each is then shown cell by cell', names)
    .option('--cost-layout <name>', 'layout on which costs and limits are measured (linux-6.12)')
    .option('--seed <n>', 'of index streams and resampling', integer(0, 2 ** 32 - 1), 1)
    .option('--json', 'one JSON document on standard output')
    .option('--csv <file>', 'all rooms, probes and costs as a table')
    .option('--html <file>', 'a page of its own, which needs no network')
    .option('--baseline <file>', 'a document of an earlier --json: say what changed')
    .addHelpText('after', examples)
    .action((options: Options) => withOwn(options, context.io, () => run(options, context)))
}
