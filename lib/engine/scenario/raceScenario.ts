import { boolean, integer, options, positive } from '../../base/args.ts'
import { native } from '../../native/load.ts'
import { created } from '../../native/status.ts'
import { tables } from '../../native/tables.ts'
import { layoutRef } from '../../page/layouts.ts'
import { schemeRef } from '../../pins/schemes.ts'
import { frozenRows } from '../auditRow.ts'
import { roomWarnings, typesOf } from '../collisions.ts'
import { raceAuditText } from '../findingText.ts'
import { longCall, longCallKeys, throwIfAborted } from '../poll.ts'
import { pollRace, raceTotal } from '../pollEngines.ts'
import { raceRan } from '../raceRan.ts'
import type { RaceProgress } from '../raceTypes.ts'
import { withText } from '../withText.ts'
import type { RaceScenarioOptions, RaceScenarioResult, Scenario } from './scenarioTypes.ts'
import {
  defaultPages,
  nothing,
  machineKeys,
  checked,
  partsOf,
  besideRows,
  rowsOf,
  randomOps,
  readFor,
  schemeAndLayout,
  behaviourFor,
  toldOf,
  seedOf,
  threadsOf,
} from './settings.ts'

const longestSeconds = 10 * 366 * 24 * 3600

const raceKeys = [
  ...machineKeys,
  'threads',
  'seconds',
  'ops',
  'rounds',
  'affinity',
  'failing',
  ...longCallKeys,
] as const

/** As `race` on pins: native threads at full speed; each round a fresh machine, audited. */
export async function raceScenario(scenario: Scenario, value: RaceScenarioOptions = {}): Promise<RaceScenarioResult> {
  const given = options(value, 'options', raceKeys)
  const read = readFor(scenario, given)
  const count = (key: 'ops' | 'rounds'): number =>
    given[key] === undefined ? 0 : integer(given[key], `options.${key}`, 1, Number.MAX_SAFE_INTEGER)
  const seed = seedOf(given.seed)
  const call = longCall<RaceProgress>('race', given)
  const { scheme, layout } = schemeAndLayout(given)
  const settings = {
    ...randomOps(read, threadsOf(read, given.threads, Math.max(2, read.mixes.length), tables().maxScenarioThreads)),
    layout: layoutRef(layout),
    scheme: schemeRef(scheme),
    behaviour: behaviourFor(read, given, scheme, layout),
    pages: read.pages === 0 ? defaultPages : read.pages,
    seconds: given.seconds === undefined ? 0 : positive(given.seconds, 'options.seconds', longestSeconds),
    ops: count('ops'),
    rounds: count('rounds'),
    seed,
    ...besideRows(read),
    affinity: given.affinity === undefined ? false : boolean(given.affinity, 'options.affinity'),
  }
  throwIfAborted(call)
  const warnings = Object.freeze(roomWarnings(scheme, layout, typesOf(partsOf(read), layout)))
  const race = created(native().startRaceOps(settings, read.lists?.setup.rows ?? nothing, rowsOf(read)), 'options')
  const found = await pollRace(race, call, raceTotal(settings, settings.threads), 'options', (ended) =>
    checked(ended, read.name),
  )
  const { livelocks } = found
  const clean = found.audit.length === 0 && found.leaks === '' && livelocks.length === 0
  const audit = {
    clean,
    rows: frozenRows(found.audit),
    leaks: found.leaks,
    livelocks,
    round: clean ? null : found.dirtyRound,
  }
  const shown = {
    scheme: scheme.name,
    layout: layout.name,
    ...toldOf(given),
    ...(read.injected !== undefined && { failures: read.injected }),
    ...(read.lists === null && { threads: found.threads.length }),
    ...(given.ops !== undefined && { ops: count('ops') }),
  }
  const text = (): string => raceAuditText(read.name, { audit, seed, rounds: found.rounds }, shown)
  const result = {
    ...raceRan<string>(found, seed),
    reached: Object.freeze(found.reached.map((each) => Object.freeze(each))),
    audit: withText(audit, text, true),
    warnings,
  }
  return withText(result, text)
}
