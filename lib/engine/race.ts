import { livelockRow } from './findingText.ts'
import { behaviourKeys } from '../pins/behaviour.ts'
import { badArgument, boolean, integer, oneOf, options, or, positive, unsigned64 } from '../base/args.ts'
import { keysOf } from '../base/primordials.ts'
import type { NativeBox } from '../native/binding.ts'
import type { NativeLivelock, NativePagesRaced, NativeRaceOptions } from '../native/engineBinding.ts'
import type { NativeAudit } from '../native/callTypes.ts'
import { native } from '../native/load.ts'
import { created } from '../native/status.ts'
import type { PageType } from '../page/layout.ts'
import { roomWarnings } from './collisions.ts'
import { tables } from '../native/tables.ts'
import { auditReport } from './audit.ts'
import { Box, nativeOf } from './box.ts'
import type { BoxOptions } from './boxTypes.ts'
import { type LongCall, longCall, longCallKeys, throwIfAborted } from './poll.ts'
import { pollRace, raceTotal } from './pollEngines.ts'
import { raceScenario } from './scenario/raceScenario.ts'
import { isScenario } from './scenario/readScenario.ts'
import type { RaceScenarioOptions, RaceScenarioResult, Scenario } from './scenario/scenarioTypes.ts'
import { raceRan } from './raceRan.ts'
import type { Pattern, PinOp, RaceBox, RaceOptions, RaceProgress, RaceResult } from './raceTypes.ts'

const known = [
  'threads',
  'seconds',
  'ops',
  'rounds',
  'seed',
  'mix',
  'pattern',
  'firstPfn',
  'pages',
  'affinity',
  ...longCallKeys,
] as const

const longestSeconds = 10 * 366 * 24 * 3600
const largestWeight = 1_000_000

function readMix(value: unknown): { op: string; weight: number }[] {
  if (value === undefined) return [{ op: 'pin+unpin', weight: 1 }]
  const given = options(value, 'options.mix', tables().pinOps)
  const mix = keysOf(given).map((op) => ({
    op: op as string,
    weight: integer(given[op as string], `options.mix['${op as string}']`, 0, largestWeight),
  }))
  if (mix.every(({ weight }) => weight === 0))
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'options.mix', value, 'an object with a weight above 0')
  return mix
}

function read(value: RaceOptions, pagesOfBox: number) {
  const given = options(value, 'options', known)
  const count = (key: 'ops' | 'rounds'): number =>
    given[key] === undefined ? 0 : integer(given[key], `options.${key}`, 1, Number.MAX_SAFE_INTEGER)
  const firstPfn = given.firstPfn === undefined ? 0 : integer(given.firstPfn, 'options.firstPfn', 0, pagesOfBox - 1)
  const settings: NativeRaceOptions = {
    threads: given.threads === undefined ? 1 : integer(given.threads, 'options.threads', 1, tables().maxThreads),
    seconds: given.seconds === undefined ? 0 : positive(given.seconds, 'options.seconds', longestSeconds),
    ops: count('ops'),
    rounds: count('rounds'),
    seed: given.seed === undefined ? 1n : unsigned64(given.seed, 'options.seed'),
    mix: readMix(given.mix),
    pattern:
      given.pattern === undefined ? 'random' : oneOf(given.pattern, 'options.pattern', tables().patterns as Pattern[]),
    firstPfn,
    pages: given.pages === undefined ? 0 : integer(given.pages, 'options.pages', 1, pagesOfBox - firstPfn),
    affinity: given.affinity === undefined ? false : boolean(given.affinity, 'options.affinity'),
  }
  return { settings, call: longCall<RaceProgress>('race', given) }
}

/** What a report that is not clean says besides: which race it was, and how to run it again. */
function afterText(settings: NativeRaceOptions, { rounds }: NativePagesRaced, on: string): string {
  const { threads, seed, pattern, mix, affinity } = settings
  const weights = mix.map(({ op, weight }) => `'${op}': ${weight}`).join(', ')
  const again = `{ threads: ${threads}, pattern: '${pattern}', mix: { ${weights} }, seed: ${seed}n, rounds: ${rounds}${affinity ? ', affinity: true' : ''} }`
  return `seed ${seed}, after round ${rounds}; to repeat it: await race(${on}, ${again})`
}

/** What waited in vain is a finding like a row: not clean either. */
function withLivelocks(audit: NativeAudit, livelocks: readonly NativeLivelock[]): NativeAudit {
  const rows = livelocks.map(livelockRow) as NativeAudit['rows']
  return { ...audit, rows: [...rows, ...audit.rows], rowsTotal: rows.length + audit.rowsTotal }
}

function raceResult(
  found: NativePagesRaced,
  settings: NativeRaceOptions,
  on: string,
  warnings: readonly string[],
): RaceResult {
  return {
    ...raceRan<PinOp>(found, settings.seed),
    audit: auditReport(withLivelocks(found.audit, found.livelocks), afterText(settings, found, on)),
    warnings,
  }
}

async function raceOn(
  box: NativeBox,
  settings: NativeRaceOptions,
  call: LongCall<RaceProgress>,
  on = 'box',
  made?: { type: PageType; order: number },
): Promise<RaceResult> {
  throwIfAborted(call)
  const { scheme, layout } = box.facts
  const warnings = Object.freeze(
    roomWarnings(scheme.name, layout.name, made ? [made.type] : typesIn(box, settings), made?.order),
  )
  const run = created(native().startRace(box, settings), 'options')
  const found = await pollRace(run, call, raceTotal(settings, settings.threads), 'options')
  return raceResult(found, settings, on, warnings)
}

/** Pages that are asked for their types. */
const mostAsked = 1024

/** Page types among the first pages that a race uses. */
function typesIn(box: NativeBox, { firstPfn, pages }: NativeRaceOptions): Set<PageType> {
  const types = new Set<PageType>()
  const end = Math.min(firstPfn + mostAsked, pages === 0 ? box.facts.pages : firstPfn + pages)
  for (let pfn = firstPfn; pfn < end; pfn++) {
    const type = box.typeOf(pfn)
    // A page that was never touched is made an anonymous one; a tail is its head's.
    if (typeof type === 'string' && type !== 'tail' && type !== 'second-tail')
      types.add(type === 'free' ? 'anon' : (type as PageType))
  }
  return types
}

const boxKeys = ['scheme', 'layout', 'pages', 'pageType', 'order', 'ledger', ...behaviourKeys] as const

/** What every whole folio of a new box is made; undefined: nothing before its first pin. */
function setupOf(box: Box, pageType: unknown, order: unknown): NonNullable<NativeRaceOptions['setup']> | undefined {
  if (pageType === undefined && order === undefined) return undefined
  const type = oneOf(or(pageType, 'anon'), 'box.pageType', tables().pageTypes)
  const size = 2 ** (order === undefined ? 0 : integer(order, 'box.order', 0, 10))
  if (box.pages % size !== 0)
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', 'box.pages', box.pages, `a multiple of 2^order, ${size}`)
  const setup = { type, order: Math.log2(size), onLru: tables().lruTypes.includes(type) }
  // The first one here, for the errors in words; the race sets all of them up in its own thread.
  box.setup(0, setup)
  return setup
}

/**
 * Runs operations on pages in native threads with real atomics, at full speed, then audits. The box
 * is the race's alone while it runs: other calls on it throw `ERR_PAGEBOX_BUSY`.
 *
 * `seconds`, `ops` or `rounds` ends it, or `signal`: an aborted race resolves, with what it has and
 * `stoppedBy: 'abort'`. One that was aborted before its threads began rejects with
 * `ERR_PAGEBOX_ABORTED`. What `onProgress` throws stops it and rejects.
 *
 * @param on A box, or the settings of one that is made for this race and closed after it.
 */
export function race(on: Box | RaceBox, value?: RaceOptions): Promise<RaceResult>
/**
 * Runs the threads of a scenario as native threads, at full speed. A round starts from a fresh machine
 * and ends in a barrier and an audit, with everybody alive and again when all have exited.
 *
 * @throws PageboxError `ERR_PAGEBOX_SCENARIO` for a scenario that cannot be read.
 */
export function race(on: Scenario, value?: RaceScenarioOptions): Promise<RaceScenarioResult>
export async function race(
  on: Box | RaceBox | Scenario,
  value: RaceOptions | RaceScenarioOptions = {},
): Promise<RaceResult | RaceScenarioResult> {
  if (isScenario(on)) return raceScenario(on, value as RaceScenarioOptions)
  return racePins(on, value as RaceOptions)
}

async function racePins(on: Box | RaceBox, value: RaceOptions): Promise<RaceResult> {
  const given = nativeOf(on)
  if (given !== undefined) {
    const { settings, call } = read(value, given.facts.pages)
    return raceOn(given, settings, call)
  }
  const { pageType, order, ...ofBox } = { ...options(on as RaceBox, 'box', boxKeys) }
  const box = Box.create(ofBox as BoxOptions)
  try {
    const { settings, call } = read(value, box.pages)
    throwIfAborted(call)
    const setup = setupOf(box, pageType, order)
    const shown = Object.entries({ ...ofBox, pageType, order }).filter(([, each]) => each !== undefined)
    const on = JSON.stringify(Object.fromEntries(shown), (_key, each: unknown) =>
      typeof each === 'object' && each !== null && 'name' in each ? each.name : each,
    )
    const made = { type: or(pageType, 'anon') as PageType, order: or(order, 0) as number }
    const all = setup === undefined ? settings : { ...settings, setup }
    return await raceOn(nativeOf(box) as NativeBox, all, call, on, made)
  } finally {
    box.close()
  }
}

export type * from './raceTypes.ts'
