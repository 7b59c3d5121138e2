import { readFileSync, statSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type BaselineReport, compareWithBaseline } from '../../compare/baseline.ts'
import { answerText } from '../../compare/answer.ts'
import { compare } from '../../compare/compare.ts'
import { toCsv } from '../../compare/csv.ts'
import { type CompareDocument, compareDocument, documentVersion } from '../../compare/document.ts'
import type { Effort } from '../../compare/plan.ts'
import { mergeRuns } from '../../compare/runs.ts'
import { argsOf, commandLine } from '../commandLine.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { UsageError } from '../failure.ts'
import { type BtfOptions, btfHelp, importedLayout, kconfigHelp, withImported } from '../importedLayout.ts'
import { toJson } from '../json.ts'
import { Output } from '../output.ts'
import { integer, names, pick, pickMany } from '../parse.ts'
import { progressBar } from '../progress.ts'
import { freshRun } from '../runs.ts'
import { baselineText } from '../text/baseline.ts'
import { detailedLayouts, layoutText, machineText, printable, resultText } from '../text/compare.ts'
import { mailText } from '../text/mail.ts'
import { overviewText } from '../text/room.ts'
import { addOwnOptions, type OwnOptions, withOwn } from '../own/own.ts'
import { addShardOption, refuseWith, type ShardOptions } from '../shards/option.ts'
import type { Context } from './context.ts'

interface Options extends BtfOptions, OwnOptions, ShardOptions {
  quick?: boolean
  thorough?: boolean
  schemes?: string[]
  layouts?: string[]
  costLayout?: string
  seed: number
  json?: boolean
  csv?: string
  html?: string
  markdown?: string
  mail?: string
  baseline?: string
  smallestEffect?: number
  runs: number
  costsOnly?: boolean
  counters?: boolean
}

const examples = `
Examples:
  $ pagebox compare                          all schemes, all layouts, in about half a minute
  $ pagebox compare --quick                  the same in a third of it, with wider intervals
  $ pagebox compare --layouts linux-4.20 --schemes lru-overlay,refcount-bias
  $ pagebox compare --btf vmlinux.btf        also on a real kernel's layout
  $ pagebox compare --quick --schemes mine --scheme-file mine.json
  $ pagebox compare --html report.html       also as a page to send to somebody
  $ pagebox compare --mail report.txt        also as text of 72 columns, for a mailing list
  $ pagebox compare --json > old.json        keep it, and later:
  $ pagebox compare --baseline old.json      what changed, with intervals

Exit code 0 although schemes collide: that is the answer. 1: the table of a scheme
and the probe in memory differ, which is a bug of pagebox; or, with --baseline, a
cost has become larger or a page type fits no longer. 130: interrupted, 143:
terminated; what was measured until then is printed.`

/** A document has a few; what is larger is none. */
const largestBaseline = 2 ** 27

function readBaseline(file: string): CompareDocument {
  let content: unknown
  try {
    const found = statSync(file)
    // A pipe might never end.
    if (!found.isFile()) throw new Error('it is no regular file')
    if (found.size > largestBaseline) throw new Error(`it has ${found.size} bytes; at most ${largestBaseline} are read`)
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UsageError(`--baseline ${file}: ${(error as Error).message}`)
  }
  const version = (content as { documentVersion?: unknown } | null)?.documentVersion
  if (typeof version === 'number' && version > documentVersion) {
    throw new UsageError(
      `--baseline ${file} is a document of version ${version}, and this pagebox reads up to ${documentVersion}`,
    )
  }
  const parsed = compareDocument.safeParse(content)
  if (parsed.success) return parsed.data
  const first = parsed.error.issues[0]
  throw new UsageError(
    `--baseline ${file} is no document of pagebox compare --json: ${first?.path.join('.')}: ${first?.message}`,
  )
}

/** A share, in percent or as a number. */
function share(text: string): number {
  const value = /^\s*[\d.]+\s*%\s*$/.test(text) ? Number.parseFloat(text) / 100 : Number(text || Number.NaN)
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Give a share from 0 to 100 %: 5%, or 0.05.')
  return value
}

function effortOf(options: Options): Effort {
  if (options.quick && options.thorough) throw new UsageError('--quick and --thorough exclude each other')
  if (options.quick) return 'quick'
  return options.thorough ? 'thorough' : 'default'
}

const kinds = ['csv', 'html', 'markdown', 'mail'] as const
type Files = Partial<Record<(typeof kinds)[number], Output>>

async function run(options: Options, command: Command, context: Context): Promise<void> {
  const effort = effortOf(options)
  const baseline = options.baseline === undefined ? undefined : readBaseline(options.baseline)
  // Before the work: a result that could not be written is known now, not in a minute and a half.
  const files: Files = {}
  try {
    for (const kind of kinds) if (options[kind] !== undefined) files[kind] = new Output(options[kind])
    await measure(options, effort, baseline, files, argsOf(command), context)
  } finally {
    for (const file of Object.values(files)) file.discard()
  }
}

/** A command line is the same of all parts. */
const ofWhole = (args: readonly string[]): string[] =>
  args.filter((arg, at) => arg !== '--json' && !arg.startsWith('--shard') && args[at - 1] !== '--shard')

async function measure(
  options: Options,
  effort: Effort,
  baseline: CompareDocument | undefined,
  files: Files,
  args: readonly string[],
  { io, exit }: Context,
): Promise<void> {
  const { pagebox } = await import('../subject.ts')
  const imported = await importedLayout(options)
  const schemes = pickMany(pagebox.schemes, options.schemes, 'scheme')
  const layouts = withImported(pickMany(pagebox.layouts, options.layouts, 'layout'), imported)
  const costLayout = pick(pagebox.layouts, options.costLayout ?? imported?.name ?? 'linux-6.12', 'layout')
  if (options.shard !== undefined) {
    refuseWith(options, options, ['csv', 'html', 'markdown', 'mail', 'baseline', 'counters'])
    if (options.runs > 1) throw new UsageError('--runs is of the whole, and --shard runs a part of it')
    const { runPart } = await import('../shards/run.ts')
    const named = { schemes: schemes.map(({ name }) => name), layouts: layouts.map(({ name }) => name) }
    const asked = {
      effort,
      ...named,
      costLayout: costLayout.name,
      seed: options.seed,
      command: commandLine(ofWhole(args)),
    }
    return runPart('compare', asked, options.shard, options, { io, exit })
  }
  const bar = progressBar(io)
  const shown = detailedLayouts({ layouts }, options.layouts !== undefined)
  const detailed = imported === undefined ? shown : [...new Set([...shown, imported.name])]
  const say = (text: string): void => bar.aside(() => io.out(`${text}\n\n`))
  let document: CompareDocument
  try {
    document = await compare(pagebox, {
      effort,
      schemes,
      layouts,
      costLayout,
      seed: options.seed,
      signal: io.signal,
      command: commandLine(args),
      first: detailed,
      costsOnly: options.costsOnly,
      counters: options.counters,
      onProgress: ({ done, total, what }) => bar.update(done, total, what),
      // What is known is shown: costs take longest, and rooms are what is asked first.
      onPart: (part, known) => {
        if (options.json) return
        if (part.what === 'machine') say(machineText(printable(known), io))
        else if (part.what === 'rooms') say(overviewText(printable(known), io))
        else if (detailed.includes(part.layout)) say(layoutText(printable(known), part.layout, io))
      },
    })
    const usualMs = document.elapsedSeconds * 1000
    const more: CompareDocument[] = []
    for (let at = 1; at < options.runs && !io.signal.aborted; at++) {
      bar.update(at * usualMs, options.runs * usualMs, `run ${at + 1} of ${options.runs}, in a process of its own`)
      const run = await freshRun(args, io.signal)
      if (run !== undefined) more.push(run)
    }
    document = mergeRuns(document, more)
    document.answer = answerText(document)
  } finally {
    bar.stop()
  }
  const { smallestEffect } = options
  const report: BaselineReport | undefined = baseline && compareWithBaseline(baseline, document, { smallestEffect })
  if (options.json) {
    io.out(`${toJson(report === undefined ? document : { ...document, baseline: report })}\n`)
  } else {
    io.out(`${resultText(printable(document), io)}\n`)
    if (report !== undefined) io.out(`\n${baselineText(report, io)}`)
  }
  await writeFiles(files, document, report, detailed)
  // A collision of a scheme is an answer; only a table that memory contradicts is a finding.
  if (document.disagreements.length > 0 || report?.worse) exit(exitCodes.finding)
  if (io.signal.aborted) exit(exitOfAbort(io.signal))
}

/** All from the same document; what draws them is loaded only if it is asked for. */
async function writeFiles(
  files: Files,
  document: CompareDocument,
  report: BaselineReport | undefined,
  detailed: readonly string[],
): Promise<void> {
  const write = (file: Output, text: string): void => {
    file.write(text)
    file.commit()
  }
  if (files.csv) write(files.csv, toCsv(document))
  if (files.mail) write(files.mail, mailText(document, detailed, report))
  if (files.markdown) {
    const { reportMarkdown } = await import('../../report/markdown.ts')
    write(files.markdown, reportMarkdown(document, report))
  }
  if (files.html) {
    // The plots bring a DOM with them.
    const { reportPage } = await import('../../report/page.ts')
    write(files.html, reportPage(document, report))
  }
}

export function addCompare(program: Command, context: Context): void {
  const command = addOwnOptions(program.command('compare'))
    .description('which scheme fits which page type in which layout, what it damages, what it costs, where it ends')
    .option('--quick', 'within 20 seconds, with wider intervals')
    .option('--thorough', 'more rounds, threads, working sets, page types and orders; takes what it takes')
    .option('--schemes <names>', 'only these, separated by commas', names)
    .option('--layouts <names>', 'only these, separated by commas; each is then shown cell by cell', names)
    .option('--cost-layout <name>', 'layout on which costs and limits are measured (linux-6.12, or that of --btf)')
    .option('--btf <file>', `one more layout: ${btfHelp}`)
    .option('--kconfig <file>', kconfigHelp)
    .option('--seed <n>', 'of index streams and resampling', integer(0, 2 ** 32 - 1), 1)
    .option('--counters', 'also what processor and system count a pair: misses, locked operations, contended lines')
    .option('--json', 'one JSON document on standard output, raw samples included')
    .option('--csv <file>', 'all rooms, probes and costs as a table')
    .option('--html <file>', 'a page of its own, which needs no network')
    .option('--markdown <file>', 'tables for an issue or a merge request')
    .option('--mail <file>', 'plain text of 72 columns, for a mailing list')
    .option('--baseline <file>', 'a document of an earlier --json: say what changed; exit 1 if something is worse')
    .option(
      '--runs <n>',
      'costs in so many fresh processes: intervals from what differs between them',
      integer(1, 100),
      1,
    )
    .addOption(new Option('--costs-only').hideHelp())
    .option('--smallest-effect <share>', 'with --baseline: changes up to this count as none (5%)', share)
    .addHelpText('after', examples)
  addShardOption(command).action((options: Options, command: Command) =>
    withOwn(options, context.io, () => run(options, command, context)),
  )
}
