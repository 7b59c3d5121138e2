import type { ScenarioOp, WrittenScenario } from '../scenario/scenarioTypes.ts'

/*
 * The scenarios that are one change smaller, the largest changes first: a half of a list, a quarter …, one
 * operation; a repeat less often, or its body alone.
 */

type Lists = (readonly ScenarioOp[])[]

const listsOf = ({ setup = [], threads, after = [] }: WrittenScenario): Lists => [
  ...threads.map(({ ops }) => ops),
  after,
  setup,
]

function withLists(scenario: WrittenScenario, lists: Lists): WrittenScenario {
  const { setup: _, after: __, ...rest } = scenario
  const [after = [], setup = []] = lists.slice(scenario.threads.length)
  return {
    ...rest,
    ...(setup.length > 0 && { setup }),
    ...(after.length > 0 && { after }),
    threads: scenario.threads.map(({ name }, i) => ({ name, ops: lists[i] ?? [] })),
  }
}

const withoutRange = <T>(list: readonly T[], from: number, count: number): T[] => [
  ...list.slice(0, from),
  ...list.slice(from + count),
]

const count = (ops: readonly ScenarioOp[]): number =>
  ops.reduce((sum, op) => sum + 1 + (op.op === 'repeat' ? count(op.ops as unknown as ScenarioOp[]) : 0), 0)

/** Operations of threads, of setup and of what comes after, those in repeats among them. */
export const sizeOf = (scenario: WrittenScenario): number => listsOf(scenario).reduce((sum, ops) => sum + count(ops), 0)

/** An operation made smaller in place of it. */
function* lessOf(op: ScenarioOp): Iterable<readonly ScenarioOp[]> {
  if (op.op !== 'repeat') return
  const body = op.ops as unknown as readonly ScenarioOp[]
  const n = Number(op.n)
  yield body
  if (n > 1) yield [{ ...op, n: Math.floor(n / 2) } as ScenarioOp]
  for (let at = 0; at < body.length && body.length > 1; at++)
    yield [{ ...op, ops: withoutRange(body, at, 1) } as unknown as ScenarioOp]
}

function* fewerOps(scenario: WrittenScenario): Iterable<WrittenScenario> {
  const lists = listsOf(scenario)
  const longest = Math.max(...lists.map((ops) => ops.length))
  for (let size = longest; size >= 1; size = Math.floor(size / 2))
    for (const [i, ops] of lists.entries())
      for (let from = 0; from + size <= ops.length; from += size)
        yield withLists(scenario, lists.with(i, withoutRange(ops, from, size)))
  for (const [i, ops] of lists.entries())
    for (const [at, op] of ops.entries())
      for (const less of lessOf(op))
        yield withLists(scenario, lists.with(i, [...ops.slice(0, at), ...less, ...ops.slice(at + 1)]))
}

function* fewerThreads(scenario: WrittenScenario): Iterable<WrittenScenario> {
  const { threads } = scenario
  for (let at = 0; at < threads.length && threads.length > 1; at++)
    yield { ...scenario, threads: withoutRange(threads, at, 1) }
}

/** Which numbers of the threads before those after it have: choices are of fibers. */
export function renumbered(choices: readonly number[], before: WrittenScenario, after: WrittenScenario): number[] {
  const kept = before.threads.map(({ name }) => after.threads.findIndex((thread) => thread.name === name))
  const gone = before.threads.length - after.threads.length
  if (gone === 0) return [...choices]
  return choices.flatMap((fiber) => {
    const now = fiber < kept.length ? (kept[fiber] as number) : fiber - gone
    return now < 0 ? [] : [now]
  })
}

/** First by operations, then by threads. */
export function* smaller(scenario: WrittenScenario): Iterable<WrittenScenario> {
  yield* fewerOps(scenario)
  yield* fewerThreads(scenario)
}
