import { options } from '../../base/args.ts'
import { counted } from '../../base/describe.ts'
import { PageboxError } from '../../errors.ts'
import { native } from '../../native/load.ts'
import { layoutRef } from '../../page/layouts.ts'
import { schemeRef } from '../../pins/schemes.ts'
import type { RecordedResult } from '../recording/types.ts'
import { frozenRows } from '../auditRow.ts'
import { rowsText } from '../findingText.ts'
import { withText } from '../withText.ts'
import { withFailures } from './failures.ts'
import { readScenario } from './readScenario.ts'
import type { RanOp, RunOptions, Scenario, ScenarioResult } from './scenarioTypes.ts'
import {
  defaultPages,
  machineKeys,
  checked,
  besideRows,
  rowsOf,
  behaviourFor,
  seedOf,
  schemeAndLayout,
} from './settings.ts'

/** It cannot be interrupted, and its results are kept in memory. */
const mostRun = 1_000_000

/**
 * Executes a scenario in order on a fresh machine: the setup, then each thread up to its next
 * barrier, in turn. Same scenario and seed, same results.
 *
 * @throws PageboxError `ERR_PAGEBOX_SCENARIO` for a scenario that cannot be read, for one of more than
 * a million operations (nothing has run then) or more than 2^24 words of results, and for one of
 * random operations, which have no order.
 */
export function run(scenario: Scenario, value: RunOptions = {}): ScenarioResult {
  const given = options(value, 'options', machineKeys)
  const read = withFailures(readScenario(scenario), given.failures)
  const { lists } = read
  if (lists === null)
    throw new PageboxError('ERR_PAGEBOX_SCENARIO', `scenario '${read.name}' is random: race or explore it`, {
      argument: 'scenario',
      given: 'mixes',
      allowed: 'threads',
    })
  const { scheme, layout } = schemeAndLayout(given)
  const found = checked(
    native().runThreadsInOrder(
      {
        layout: layoutRef(layout),
        scheme: schemeRef(scheme),
        behaviour: behaviourFor(read, given, scheme, layout),
        pages: read.pages === 0 ? defaultPages : read.pages,
        limit: mostRun,
        seed: seedOf(given.seed),
        ...besideRows(read),
      },
      lists.setup.rows,
      rowsOf(read) as Float64Array[],
    ),
    read.name,
  )
  const all = [{ name: 'setup', ...lists.setup }, ...lists.threads, { name: 'after', ...lists.after }]
  const ran = found.ran.map(({ thread, index, result }): RanOp => {
    const list = all[thread] as (typeof all)[number]
    return { thread: list.name, op: list.ops[index]?.op as RanOp['op'], result: (result ?? {}) as RecordedResult }
  })
  const { leaks, livelocks } = found
  const audit = frozenRows(found.audit)
  const text = (): string =>
    audit.length === 0 && leaks === '' && livelocks.length === 0
      ? `clean: ${counted(ran.length, 'operation')} of '${read.name}'`
      : [`'${read.name}', seed ${seedOf(given.seed)}, run in order:`, ...rowsText(audit, leaks, livelocks)].join('\n')
  return withText({ ran, audit, leaks, livelocks }, text)
}
