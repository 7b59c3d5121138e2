import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PageboxError } from '../../errors.ts'
import type { Store } from '../../fleet/store.ts'
import { commandLine } from '../commandLine.ts'
import type { Context } from '../commands/context.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import type { Io } from '../io.ts'
import { printReport, type ReportOptions } from './report.ts'
import { type QueueOptions, teller, withQueue } from './options.ts'
import { type Asked, type MakeProgram, requestOf } from './request.ts'

export interface RunOptions extends QueueOptions, ReportOptions {
  shards?: number
  shardSeconds: number
  limitSeconds: number
  tries: number
  detach?: boolean
}

async function shardsOf(
  { request, recordings }: Asked,
  options: RunOptions,
  io: Io,
  say: (text: string) => void,
): Promise<number> {
  const { usefulShards } = await import('../../shards/shards.ts')
  const { mostShards } = await import('../../fleet/records.ts')
  const useful = Math.min(mostShards, usefulShards(request))
  if (options.shards !== undefined) {
    if (options.shards > useful) say(`${options.shards} shards: so many have nothing to do; there are ${useful}`)
    return Math.min(options.shards, useful)
  }
  const { measureShards } = await import('../../fleet/size.ts')
  const { ownRunner } = await import('./runner.ts')
  const runner = ownRunner(recordings.map((file) => resolve(file)))(options.limitSeconds)
  try {
    return await measureShards(runner, request, { useful, shardSeconds: options.shardSeconds }, io.signal)
  } catch (error) {
    const { ShardEnded } = await import('../../fleet/child.ts')
    if (!(error instanceof ShardEnded)) throw error
    const { endingText } = await import('../../fleet/endings.ts')
    throw new PageboxError(
      'ERR_PAGEBOX_RUN',
      `how long a shard takes cannot be measured here: one ${endingText(error.ending)}; --shards N says how many there are`,
    )
  } finally {
    runner.close()
  }
}

/** Waits for a run, prints what it gave; one that is left goes on by itself. */
export async function waitAndPrint(
  store: Store,
  id: string,
  options: ReportOptions,
  context: Context,
  waitForLease: boolean,
): Promise<void> {
  const { io, exit } = context
  const { waitFor } = await import('./wait.ts')
  try {
    await waitFor(store, id, io, waitForLease)
  } catch (error) {
    if (!io.signal.aborted) throw error
    // A queue that is away cannot tell.
    const state = await Promise.race([store.state(id).catch(() => undefined), sleep(500, undefined, { ref: false })])
    const so = state === 'filing' ? 'is not wholly filed' : 'goes on without this process'
    io.err(`run ${id} ${so}; pagebox fleet resume ${id} takes it up again\n`)
    exit(exitOfAbort(io.signal))
    return
  }
  const report = await printReport(store, id, options, io)
  if (report.findings.length > 0) exit(exitCodes.finding)
}

/** Files the shards of a command, and waits. */
export async function fleetRun(
  args: readonly string[],
  options: RunOptions,
  context: Context,
  make: MakeProgram,
): Promise<void> {
  const { io } = context
  const say = teller(io)
  await withQueue(options, io, say, async (store) => {
    const asked = await requestOf(args, io, make)
    const { request } = asked
    const of = await shardsOf(asked, options, io, say)
    const { newRun, fileMissing } = await import('../../fleet/filing.ts')
    const { shardWork } = await import('../../fleet/shardWork.ts')
    const { limitSeconds, tries } = options
    const header = await newRun(store, shardWork, { command: commandLine(args), request, of, limitSeconds, tries })
    say(`run ${header.id}: ${of.toLocaleString('en')} shards`)
    if (store.connection.forgets === true)
      say('this server keeps no append-only file: restarted, it has lost the run (appendonly yes)')
    if (options.detach === true) {
      await fileMissing(store, header, io.signal)
      io.out(`${header.id}\n`)
      return
    }
    await waitAndPrint(store, header.id, options, context, false)
  })
}

export interface ResumeOptions extends QueueOptions, ReportOptions {
  again?: boolean
}

/** Takes up a run whose coordinator is gone, or that was cancelled. */
export async function fleetResume(id: string, options: ResumeOptions, context: Context): Promise<void> {
  const { io } = context
  await withQueue(options, io, teller(io), async (store) => {
    const { state } = await store.connection.patience.insist(() => store.run(id), io.signal)
    if (options.again === true) await store.tryAgain(id)
    else if (state === 'cancelled') await store.setState(id, 'filing')
    await waitAndPrint(store, id, options, context, true)
  })
}
