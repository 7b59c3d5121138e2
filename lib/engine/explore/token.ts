import { createHash } from 'node:crypto'
import { string } from '../../base/args.ts'
import { describe } from '../../base/describe.ts'
import { type ErrorCode, PageboxError } from '../../errors.ts'
import { packageVersion } from '../../native/load.ts'
import type { Scenario } from '../scenario/scenarioTypes.ts'
import { ByteReader, BytesFault, ByteWriter } from './bytes.ts'
import { readScenarioBytes, writeScenario } from './scenarioBytes.ts'

/*
 * A schedule as a short text: base64url of
 *
 *   format | length of the rest | version | what it is a schedule of | choices | checksum
 *
 * What it is of is named, and hashed beside: a scenario that pagebox has is its name, a short one is carried
 * whole, of others the token has the hash alone. Names and hashes of scheme and layout, the rules, quirks and
 * options are what a machine needs; the choices are runs of one fiber.
 */

const format = 2
const checksumBytes = 4
const hashBytes = 4
/** Scenarios and definitions up to this size are carried. */
const mostCarriedBytes = 600
const mostChoices = 1 << 24

/** What a schedule is of, and the schedule. */
export interface TokenParts {
  readonly scenario: {
    readonly name: string
    readonly hash: string
    /** `named`: pagebox has it; `given`: whoever replays does, unless it is carried. */
    readonly from: 'named' | 'given'
    readonly carried?: Scenario
  }
  readonly scheme: { readonly name: string; readonly hash: string; readonly definition?: string }
  readonly layout: { readonly name: string; readonly hash: string }
  /** As the machine had them; '': the layout's. */
  readonly rules: string
  readonly quirks: readonly string[]
  readonly options: readonly string[]
  /** Of a scenario of random operations. */
  readonly random: { readonly threads: number; readonly ops: number } | null
  readonly workloadSeed: bigint
  /** Which one of the workload seed's. */
  readonly program: number
  /** 0: as explorations have it. */
  readonly maxSteps: number
  /** Which fiber went on, where there was a choice. */
  readonly choices: readonly number[]
}

const digest = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest()

/** A short hash of plain data, whatever the order of its keys; names, texts for people and `builtin` do not count. */
export function hashOf(value: unknown): string {
  const silent = ['name', 'summary', 'source', 'builtin', 'meaning']
  const plain = (_key: string, each: unknown): unknown => {
    if (typeof each === 'bigint') return `${each}n`
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each
    const keys = Object.keys(each).filter((key) => !silent.includes(key))
    return Object.fromEntries(keys.sort().map((key) => [key, (each as Record<string, unknown>)[key]]))
  }
  return hashOfBytes(JSON.stringify(value, plain))
}

export const hashOfBytes = (bytes: Uint8Array | string): string => digest(bytes).subarray(0, hashBytes).toString('hex')

function writeChoices(to: ByteWriter, choices: readonly number[]): void {
  const fibers = choices.reduce((most, fiber) => Math.max(most, fiber), 0) + 1
  const runs: [fiber: number, length: number][] = []
  for (const fiber of choices) {
    const last = runs.at(-1)
    if (last?.[0] === fiber) last[1]++
    else runs.push([fiber, 1])
  }
  to.number(fibers).number(runs.length)
  for (const [fiber, length] of runs) to.number((length - 1) * fibers + fiber)
}

function readChoices(from: ByteReader): number[] {
  const fibers = from.number(255)
  if (fibers === 0) throw new BytesFault('no fibers')
  const choices: number[] = []
  for (let left = from.number(from.left); left > 0; left--) {
    const run = from.number()
    const length = Math.floor(run / fibers) + 1
    if (length > mostChoices - choices.length) throw new BytesFault('too many choices')
    for (let i = 0; i < length; i++) choices.push(run % fibers)
  }
  return choices
}

/** The text of a schedule: the same parts, the same text, wherever it is made. */
export function writeToken(parts: TokenParts): string {
  const { scenario, scheme, layout } = parts
  const body = new ByteWriter().text(packageVersion())
  const carried =
    scenario.from === 'given' && scenario.carried !== undefined ? writeScenario(scenario.carried) : new Uint8Array()
  const isCarried = carried.length > 0 && carried.length <= mostCarriedBytes
  body.number(scenario.from === 'named' ? 0 : isCarried ? 1 : 2)
  if (isCarried) body.raw(carried)
  else body.text(scenario.name)
  body.raw(Buffer.from(scenario.hash, 'hex'))
  const definition = (scheme.definition ?? '').length <= mostCarriedBytes ? (scheme.definition ?? '') : ''
  body.text(scheme.name).raw(Buffer.from(scheme.hash, 'hex')).text(definition)
  body.text(layout.name).raw(Buffer.from(layout.hash, 'hex'))
  body.text(parts.rules).text(parts.quirks.join(',')).text(parts.options.join(','))
  body.number(parts.random?.threads ?? 0).number(parts.random?.ops ?? 0)
  body.number(parts.workloadSeed).number(parts.program).number(parts.maxSteps)
  writeChoices(body, parts.choices)
  const bytes = body.take()
  const whole = new ByteWriter()
    .number(format)
    .number(bytes.length + checksumBytes)
    .raw(bytes)
  const checked = whole.take()
  return Buffer.from(whole.raw(digest(checked).subarray(0, checksumBytes)).take()).toString('base64url')
}

const fault = (code: ErrorCode, argument: string, given: unknown, what: string, allowed: string): PageboxError =>
  new PageboxError(code, `${argument}: ${what}; ${allowed}`, { argument, given: describe(given), allowed })

const names = (text: string): string[] => (text === '' ? [] : text.split(','))
const hex = (from: ByteReader): string => Buffer.from(from.raw(hashBytes)).toString('hex')

function readParts(from: ByteReader): TokenParts {
  const kind = from.number(2)
  const carried = kind === 1 ? readScenarioBytes(from) : undefined
  const name = carried?.name ?? from.text()
  const scenario = {
    name,
    hash: hex(from),
    from: kind === 0 ? ('named' as const) : ('given' as const),
    ...(carried !== undefined && { carried }),
  }
  const scheme = { name: from.text(), hash: hex(from), definition: from.text() }
  const layout = { name: from.text(), hash: hex(from) }
  const [rules, quirks, options] = [from.text(), names(from.text()), names(from.text())]
  const [threads, ops] = [from.number(), from.number()]
  const [workloadSeed, program, maxSteps] = [from.big(), from.number(), from.number()]
  const choices = readChoices(from)
  if (from.left !== 0) throw new BytesFault('bytes behind the end')
  const { definition, ...plain } = scheme
  return {
    scenario,
    scheme: definition === '' ? plain : scheme,
    layout,
    rules,
    quirks,
    options,
    random: threads === 0 ? null : { threads, ops },
    workloadSeed,
    program,
    maxSteps,
    choices,
  }
}

/**
 * @throws PageboxError `ERR_PAGEBOX_REPLAY_TOKEN` for what is no token, was cut short or altered;
 * `ERR_PAGEBOX_REPLAY_VERSION` for one of another version.
 */
export function readToken(value: unknown, argument: string): TokenParts {
  const whole = 'a token as an exploration printed it, whole'
  const text = string(value, argument, whole).trim()
  const bad = (what: string): PageboxError => fault('ERR_PAGEBOX_REPLAY_TOKEN', argument, text, what, `give ${whole}`)
  const at = /[^\w-]/.exec(text)?.index
  if (at !== undefined) throw bad(`the token has ${describe(text[at])} as its character ${at + 1}`)
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'))
  if (bytes.length < 2) throw bad(text === '' ? 'the token is empty' : 'the token is cut short')
  const from = new ByteReader(bytes)
  const other = (version: string): PageboxError =>
    fault(
      'ERR_PAGEBOX_REPLAY_VERSION',
      argument,
      text,
      `the token is of pagebox ${version}, this is ${packageVersion()}`,
      'its schedules are others; explore again, or replay with that version',
    )
  try {
    const found = from.number()
    if (found !== format && found > 0 && found < 16) throw other(`that writes format ${found}`)
    if (found !== format) throw bad('this is no token, or altered')
    const length = from.number()
    if (length > from.left) throw bad(`the token is cut short: ${from.left} of ${length} bytes are there`)
    const checksum = Buffer.from(bytes.subarray(bytes.length - checksumBytes))
    const isWhole = digest(bytes.subarray(0, bytes.length - checksumBytes))
      .subarray(0, checksumBytes)
      .equals(checksum)
    // Base64 has spare bits at its end, which say nothing and must not.
    if (length !== from.left || !isWhole || Buffer.from(bytes).toString('base64url') !== text)
      throw bad('the token was altered: its checksum is another')
    const body = new ByteReader(from.raw(from.left - checksumBytes))
    const version = body.text()
    if (version !== packageVersion()) throw other(version)
    return readParts(body)
  } catch (error) {
    if (error instanceof BytesFault)
      throw bad(error.isEnd ? 'the token is cut short' : `the token holds ${error.message}`)
    throw error
  }
}

/** Names what differs, all of it. */
export const differs = (argument: string, differences: readonly string[], given: unknown): PageboxError =>
  fault(
    'ERR_PAGEBOX_REPLAY_DIFFERS',
    argument,
    given,
    `the token is of something else: ${differences.join('; ')}`,
    'give what it was made with',
  )

/** Whether whoever has the token needs no scenario beside it. */
export function carriesScenario(token: string): boolean {
  const { scenario } = readToken(token, 'token')
  return scenario.from === 'named' || scenario.carried !== undefined
}
