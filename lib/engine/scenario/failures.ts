import { badArgument, integer, options } from '../../base/args.ts'
import { describe } from '../../base/describe.ts'
import { type ReadScenario, readScenario } from './readScenario.ts'
import type { InjectedFailure, ScenarioOp, WrittenScenario } from './scenarioTypes.ts'
import { vocabulary } from './vocabulary.ts'

/** The scenario with the operations that the failures stand for, so that a token carries them. */
export function withFailures(read: ReadScenario, failures: unknown): ReadScenario {
  if (failures === undefined) return read
  if (read.lists === null)
    throw badArgument(
      'ERR_PAGEBOX_ARG_RANGE',
      'options.failures',
      failures,
      'nothing: a mix of random operations gives fail_nth a weight',
    )
  if (!Array.isArray(failures)) throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'options.failures', failures, 'an array')
  const { threads, ...rest } = read.source as WrittenScenario
  const names = threads.map(({ name }) => name)
  const { failSites } = vocabulary().tables
  const asked = failures.map((failure: unknown, i) => {
    const at = `options.failures[${i}]`
    const { site, thread, nth, times } = options(failure, at, ['site', 'thread', 'nth', 'times'])
    if (typeof site !== 'string' || !failSites.includes(site))
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', `${at}.site`, describe(site), failSites.join(', '))
    if (thread !== undefined && !names.includes(thread as string))
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', `${at}.thread`, describe(thread), names.join(', '))
    const counts = {
      ...(nth !== undefined && { nth: integer(nth, `${at}.nth`, 1, Number.MAX_SAFE_INTEGER) }),
      ...(times !== undefined && { times: integer(times, `${at}.times`, 0, Number.MAX_SAFE_INTEGER) }),
    }
    return { site, ...(thread !== undefined && { thread: thread as string }), ...counts }
  })
  const opOf = ({ thread: _, ...what }: InjectedFailure) => ({ op: 'fail_nth', ...what }) as unknown as ScenarioOp
  const made = readScenario({
    ...rest,
    threads: threads.map(({ name, ops }) => ({
      name,
      ops: [...asked.filter(({ thread }) => thread === undefined || thread === name).map(opOf), ...ops],
    })),
  })
  return { ...made, injected: asked }
}
