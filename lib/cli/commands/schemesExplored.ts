import type { Command } from 'commander'
import type { ExploreSchemesOptions, SchemesProgress } from '../../engine/explore/exploreSchemesTypes.ts'
import { exitCodes, exitOfAbort } from '../exit.ts'
import { UsageError } from '../failure.ts'
import { toJson } from '../json.ts'
import { type OwnOptions, ownArguments } from '../own/own.ts'
import { integer, integers, names as namesOf, pickMany, positive } from '../parse.ts'
import type { Context } from './context.ts'

/** Of `schemes --explore`. */
export interface ExplorationOptions {
  explore?: boolean
  layout?: string[]
  order?: number[]
  shape?: string[]
  seconds?: number
  samples?: number
  samplesEach?: number
  operations?: string[]
  quirks?: string[]
  jobs?: number
  json?: boolean
}

const only = ['layout', 'order', 'shape', 'seconds', 'samples', 'samplesEach', 'operations', 'quirks', 'jobs'] as const

/** An option that was given and means nothing without `--explore`. */
export function explorationOnly(options: ExplorationOptions): string | undefined {
  const found = only.find((key) => options[key] !== undefined)
  return found === undefined ? undefined : `--${found.replace('samplesEach', 'samples-each')}`
}

function shapeOf(text: string): { threads: number; ops: number } {
  const [, threads, ops] = /^([1-9])[x×]([1-9])$/.exec(text) ?? []
  if (threads === undefined)
    throw new UsageError(`--shape: "${text}" is not of the form 2x3, threads and operations of each`)
  return { threads: Number(threads), ops: Number(ops) }
}

export async function exploreThem(
  names: string[],
  options: ExplorationOptions & OwnOptions,
  { io, exit }: Context,
): Promise<void> {
  const { exploreSchemes, layouts, schemes } = await import('../../index.ts')
  const { exploredSchemesText } = await import('../text/exploredSchemes.ts')
  const wanted = names.length === 0 ? undefined : pickMany([...schemes], names, 'scheme').map(({ name }) => name)
  const { layout, order, shape, operations, seconds, samples, samplesEach, quirks, jobs } = options
  if (layout !== undefined) pickMany([...layouts], layout, 'layout')
  const asked = {
    schemes: wanted,
    layouts: layout,
    orders: order,
    shapes: shape?.map(shapeOf),
    operations,
    seconds,
    samples,
    samplesEach,
    quirks,
    jobs,
  }
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
  const onProgress = ({ done, total, schedules, seconds: taken, what }: SchemesProgress): void => {
    if (!io.interactive) return
    const share = total === null ? 0 : done / total
    io.err(`\r\x1b[K${Math.floor(share * 100)} %  ${schedules} schedules  ${Math.round(taken)} s  ${what}`)
  }
  const result = await exploreSchemes({ ...given, signal: io.signal, onProgress } as ExploreSchemesOptions).finally(
    () => {
      if (io.interactive) io.err('\r\x1b[K')
    },
  )
  const files = ownArguments(options)
  const repeat = (token: string): string => ['pagebox replay', token, ...files].join(' ')
  io.out(options.json === true ? `${toJson(result)}\n` : exploredSchemesText(result, repeat, io))
  if (result.rows.some(({ verdict }) => verdict === 'violated')) exit(exitCodes.finding)
  if (io.signal.aborted) exit(exitOfAbort(io.signal))
}

const fromOne = integer(1, Number.MAX_SAFE_INTEGER)

export const addSchemesExploration = (command: Command): Command =>
  command
    .option('--explore', 'explore every program of few operations on one page, in every class of schedules')
    .option('--layout <names>', 'with --explore: on these layouts', namesOf)
    .option('--order <n,...>', 'with --explore: on folios of 2^n pages', integers(0, 3))
    .option('--shape <shapes>', 'with --explore: threads and operations of each, as 2x3,3x2', namesOf)
    .option('--operations <names>', 'with --explore: what programs are made of, as pin_page,unpin_page', namesOf)
    .option('--seconds <n>', 'with --explore: of all rows together', positive)
    .option('--samples <n>', 'with --explore: schedules in all', fromOne)
    .option('--samples-each <n>', 'with --explore: schedules of one program', fromOne)
    .option('--quirks <names>', 'with --explore: historic defects to have', namesOf)
    .option('--jobs <n>', 'with --explore: rows side by side', integer(1, 256))
