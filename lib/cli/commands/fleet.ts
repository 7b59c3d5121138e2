import type { Command } from 'commander'
import { addQueueOptions } from '../fleet/options.ts'
import type { MakeProgram } from '../fleet/request.ts'
import type { ResumeOptions, RunOptions } from '../fleet/run.ts'
import type { CancelOptions, StatusOptions } from '../fleet/status.ts'
import type { ReportOptions } from '../fleet/report.ts'
import type { WorkCommandOptions } from '../fleet/work.ts'
import type { QueueOptions } from '../fleet/options.ts'
import { integer, positive } from '../parse.ts'
import type { Context } from './context.ts'

const examples = `
On every machine that works, and on the one that asks:
  pagebox fleet work --queue redis://queue.example
  pagebox fleet run --queue redis://queue.example explore pins --samples 1000000000

A fleet stands on Redis or Valkey (6.2 or newer) and on two packages that pagebox does not bring:
npm install bullmq@6 ioredis@6. The password comes from PAGEBOX_QUEUE_PASSWORD or a file, the
address from --queue or PAGEBOX_QUEUE; nothing listens by itself. docs/fleet.md: units, sizes,
security, a day's example. Exit code 1: something was found.`

const runHelp = `
The command is one of explore, stress, zoo, conform, compare with its options, as it would be typed.
Its shards are as long as --shard-seconds says, which is measured here first, or as many as --shards.
130: interrupted; the run goes on, and pagebox fleet resume waits for it again.`

/** Loaded when it runs: a fleet needs packages that pagebox does not bring. */
const later =
  <Args extends unknown[]>(load: () => Promise<(...args: Args) => Promise<void>>) =>
  async (...args: Args): Promise<void> =>
    (await load())(...args)

export function addFleet(program: Command, context: Context, make: MakeProgram): void {
  const fleet = program
    .command('fleet')
    .description('long commands on many machines, over a queue on Redis or Valkey')
    .addHelpText('after', examples)
  const add = (name: string, description: string): Command =>
    addQueueOptions(fleet.command(name).description(description))

  const run = later<[readonly string[], RunOptions, Context, MakeProgram]>(
    async () => (await import('../fleet/run.ts')).fleetRun,
  )
  add('run', 'file the shards of a command, and wait for what they give')
    .argument('<command...>', 'explore, stress, zoo, conform or compare, with its options')
    .option('--shards <count>', 'how many there are', integer(1, 1_000_000))
    .option('--shard-seconds <seconds>', 'how long one is', positive, 10)
    .option('--limit-seconds <seconds>', 'longer than this none may take', positive, 600)
    .option('--tries <count>', 'processes that may end in a shard before it is set aside', integer(1, 100), 2)
    .option('--detach', 'file them, print the id of the run, and do not wait')
    .option('--html <file>', 'write the report as one page')
    .option('--json', 'one JSON document on standard output')
    .passThroughOptions()
    .addHelpText('after', runHelp)
    .action((args: string[], options: RunOptions) => run(args, options, context, make))

  const work = later<[WorkCommandOptions, Context]>(async () => (await import('../fleet/work.ts')).fleetWork)
  add('work', 'do shards of all runs, each in a process of its own, until a signal')
    .option('--cores <count>', 'shards at a time; by default one a core', integer(1, 4096))
    .option('--until-idle', 'end when no run has anything to do')
    .option(
      '--recordings <file>',
      'for conform: recordings that lie here; may be repeated',
      (file, all: string[] = []) => [...all, file],
    )
    .action((options: WorkCommandOptions) => work(options, context))

  const status = later<[string | undefined, StatusOptions, Context]>(
    async () => (await import('../fleet/status.ts')).fleetStatus,
  )
  add('status', 'runs and workers, or one run with what it found')
    .argument('[run]', 'its id')
    .option('--json', 'one JSON document on standard output')
    .action((id: string | undefined, options: StatusOptions) => status(id, options, context))

  const report = later<[string, QueueOptions & ReportOptions, Context]>(
    async () => (await import('../fleet/report.ts')).fleetReport,
  )
  add('report', 'what a run gave so far: findings by signature, coverage, what was set aside')
    .argument('<run>', 'its id')
    .option('--html <file>', 'write it as one page')
    .option('--json', 'one JSON document on standard output')
    .action((id: string, options: QueueOptions & ReportOptions) => report(id, options, context))

  const cancel = later<[string, CancelOptions, Context]>(async () => (await import('../fleet/status.ts')).fleetCancel)
  add('cancel', 'take a run out of the queue; what was done stays')
    .argument('<run>', 'its id')
    .option('--forget', 'its results too')
    .action((id: string, options: CancelOptions) => cancel(id, options, context))

  const resume = later<[string, ResumeOptions, Context]>(async () => (await import('../fleet/run.ts')).fleetResume)
  add('resume', 'wait for a run whose coordinator ended, or that was cancelled')
    .argument('<run>', 'its id')
    .option('--again', 'what was set aside gets another chance, and so do workers that were refused')
    .option('--html <file>', 'write the report as one page')
    .option('--json', 'one JSON document on standard output')
    .action((id: string, options: ResumeOptions) => resume(id, options, context))
}
