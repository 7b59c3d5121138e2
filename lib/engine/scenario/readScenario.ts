import { tables as nativeTables } from '../../native/tables.ts'
import { describe } from '../../base/describe.ts'
import { didYouMean } from '../../base/nearest.ts'
import { PageboxError } from '../../errors.ts'
import { behaviourKeys } from '../../pins/behaviour.ts'
import { type EncodedList, encodeList, newProcesses } from './encode.ts'
import type { InjectedFailure, Mix, RandomScenario, Scenario } from './scenarioTypes.ts'
import { vocabulary } from './vocabulary.ts'

/** A scenario that was checked, as the engines take it. */
export interface ReadScenario {
  readonly name: string
  /** The copy that was checked. */
  readonly source: Scenario
  /** 0: the engine's choice. */
  readonly pages: number
  /** Null: random operations. */
  readonly lists: {
    readonly setup: EncodedList
    readonly threads: readonly (EncodedList & { name: string })[]
    readonly after: EncodedList
  } | null
  readonly hugePages: boolean
  readonly mixes: readonly Mix[]
  readonly processes: number
  readonly buffers: number
  readonly pagesEach: number
  /** Share of random operations that are drawn to fail. */
  readonly failing: number
  /** What it says of rules, quirks and options, unchecked. */
  readonly behaviour: Readonly<Record<string, unknown>>
  /** Failures that its threads begin with, beside its own operations. */
  readonly injected?: readonly InjectedFailure[]
}

const bad = (where: string, given: unknown, allowed: string, names: readonly string[] = []): PageboxError =>
  new PageboxError(
    'ERR_PAGEBOX_SCENARIO',
    `${where}: ${describe(given)}; allowed: ${allowed}${didYouMean(names, given)}`,
    {
      argument: where,
      given: describe(given),
      allowed,
    },
  )

/** Of a random scenario that does not say. */
export const randomSizes = { processes: 2, buffers: 7, pagesEach: 8 } as const

/** The fewest and the most of what a scenario asks for. */
export function limitsOf(name: 'pages' | 'processes' | 'buffers' | 'pagesEach'): readonly [min: number, max: number] {
  const { scenarioPages, scenarioProcesses, scenarioBuffers, scenarioPagesEach } = nativeTables().limits
  const fewest = 16
  const all = {
    pages: [fewest, scenarioPages],
    processes: [1, scenarioProcesses],
    buffers: [1, scenarioBuffers],
    pagesEach: [1, scenarioPagesEach],
  } as const
  return all[name]
}
/** Share of random operations that fail on purpose, unless somebody says otherwise. */
export const failingOtherwise = 0.05
export const mostThreads = 64
export const largestWeight = 1_000_000

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function count(value: unknown, name: Parameters<typeof limitsOf>[0], otherwise: number): number {
  if (value === undefined) return otherwise
  const [min, max] = limitsOf(name)
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw bad(`scenario.${name}`, value, `an integer from ${min} to ${max}`)
  return value
}

/** As the engine and a token have it. */
export const wholeMillionths = (share: number): number => Math.round(share * 1e6) / 1e6

/** @throws PageboxError `ERR_PAGEBOX_SCENARIO` */
function share(value: unknown, where: string, otherwise: number): number {
  if (value === undefined) return otherwise
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) throw bad(where, value, 'a share from 0 to 1')
  return wholeMillionths(value)
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(where, value, 'an array of operations')
  return value
}

function readMixes(value: unknown): Mix[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostThreads)
    throw bad('scenario.mixes', value, `an array of 1 to ${mostThreads} mixes`)
  return value.map((mix: unknown, i) => checkMix(mix, `scenario.mixes[${i}]`))
}

/** What a mix can give a weight. */
export function mixNames(): string[] {
  const { ops, tables } = vocabulary()
  const names = [...tables.mixGroups.map(({ name }) => name), ...ops.keys(), ...tables.advices]
  return names.filter((name) => !['barrier', 'repeat', 'resume'].includes(name))
}

/** @throws PageboxError `ERR_PAGEBOX_SCENARIO` */
export function checkMix(mix: unknown, where: string): Mix {
  const drawn = mixNames()
  if (!isPlain(mix)) throw bad(where, mix, 'an object of weights')
  let sum = 0
  for (const [name, weight] of Object.entries(mix)) {
    if (!drawn.includes(name)) throw bad(where, name, drawn.join(', '), drawn)
    if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0 || weight > largestWeight)
      throw bad(`${where}.${name}`, weight, `an integer from 0 to ${largestWeight}`)
    sum += weight
  }
  if (sum === 0) throw bad(where, mix, 'at least one weight above 0')
  return mix as Mix
}

function readThreads(value: unknown): { name: string; ops: readonly unknown[] }[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostThreads)
    throw bad('scenario.threads', value, `an array of 1 to ${mostThreads} threads`)
  return value.map((thread: unknown, i) => {
    const where = `scenario.threads[${i}]`
    if (!isPlain(thread)) throw bad(where, thread, 'an object with name and ops')
    if (typeof thread.name !== 'string' || thread.name === '') throw bad(`${where}.name`, thread.name, 'a name')
    for (const key of Object.keys(thread))
      if (key !== 'name' && key !== 'ops') throw bad(`${where}.${key}`, thread[key], 'no field but name, ops')
    return { name: thread.name, ops: list(thread.ops, `${where}.ops`) }
  })
}

/** True for what looks like a scenario, checked or not. */
export function isScenario(value: unknown): value is Scenario {
  try {
    return isPlain(value) && (Array.isArray(value.threads) || Array.isArray(value.mixes))
  } catch {
    return false // a revoked proxy, a getter that throws
  }
}

/** A copy, taken once: what is checked is what runs. */
function copyOf(given: unknown): unknown {
  try {
    return JSON.parse(
      JSON.stringify(given, (_key, value: unknown) => {
        // JSON would leave these out or write null, and hide a mistake.
        const isLost =
          typeof value === 'number' ? !Number.isFinite(value) : ['function', 'symbol'].includes(typeof value)
        if (isLost) throw new TypeError(typeof value)
        return value
      }),
    )
  } catch {
    throw bad('scenario', given, 'what JSON can hold')
  }
}

/**
 * Checks a scenario, from {@link scenario} or from JSON.
 *
 * @throws PageboxError `ERR_PAGEBOX_SCENARIO`; the message names the operation and the field.
 */
export function readScenario(given: unknown): ReadScenario {
  const value = copyOf(given)
  if (!isPlain(value)) throw bad('scenario', value, 'an object with name and threads, or name and mixes')
  const isRandom = value.mixes !== undefined
  const known = isRandom
    ? ['name', 'summary', 'pages', 'mixes', 'processes', 'buffers', 'pagesEach', 'failing', ...behaviourKeys]
    : ['name', 'summary', 'pages', 'setup', 'threads', 'after', 'hugePages', ...behaviourKeys]
  for (const key of Object.keys(value))
    if (!known.includes(key)) throw bad(`scenario.${key}`, value[key], `no field but ${known.join(', ')}`)
  if (typeof value.name !== 'string' || value.name === '') throw bad('scenario.name', value.name, 'a name')
  if (value.hugePages !== undefined && typeof value.hugePages !== 'boolean')
    throw bad('scenario.hugePages', value.hugePages, 'true or false')
  const facts = {
    name: value.name,
    source: value as unknown as Scenario,
    pages: count(value.pages, 'pages', 0),
    hugePages: value.hugePages === true,
    processes: count(value.processes, 'processes', randomSizes.processes),
    buffers: count(value.buffers, 'buffers', randomSizes.buffers),
    pagesEach: count(value.pagesEach, 'pagesEach', randomSizes.pagesEach),
    failing: share(value.failing, 'scenario.failing', failingOtherwise),
    behaviour: Object.fromEntries(behaviourKeys.filter((key) => key in value).map((key) => [key, value[key]])),
  }
  if (isRandom) return { ...facts, lists: null, mixes: readMixes((value as unknown as RandomScenario).mixes) }
  const processes = newProcesses()
  const setup = encodeList(
    list(value.setup === undefined ? [] : value.setup, 'scenario.setup'),
    'scenario.setup',
    processes,
  )
  const threads = readThreads(value.threads).map(({ name, ops }, i) => ({
    name,
    ...encodeList(ops, `scenario.threads[${i}].ops`, processes),
  }))
  const after = encodeList(
    list(value.after === undefined ? [] : value.after, 'scenario.after'),
    'scenario.after',
    processes,
  )
  return { ...facts, lists: { setup, threads, after }, mixes: [] }
}
