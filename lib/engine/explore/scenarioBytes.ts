import { isRandom } from '../scenario/isRandom.ts'
import type { RandomScenario, Scenario, ScenarioOp, WrittenScenario } from '../scenario/scenarioTypes.ts'
import { failingOtherwise, randomSizes } from '../scenario/readScenario.ts'
import { type OpSpec, vocabulary } from '../scenario/vocabulary.ts'
import { type ByteReader, BytesFault, ByteWriter } from './bytes.ts'

/*
 * A checked scenario in few bytes: operations and fields are numbers of the vocabulary, which is the same in
 * every process of one version. What a scenario says of rules and quirks is not in it.
 */

/** The low bits of a value's first number say what it is. */
const kinds = ['number', 'text', 'boolean', 'ops'] as const
type Kind = (typeof kinds)[number]

const fieldsOf = (spec: OpSpec): string[] => ['proc', ...spec.fields.map(({ name }) => name), ...spec.checks]

function writeValue(to: ByteWriter, value: unknown): void {
  const first = (size: number | bigint, kind: Kind): ByteWriter =>
    to.number((BigInt(size) << 2n) | BigInt(kinds.indexOf(kind)))
  if (typeof value === 'number') first(value, 'number')
  else if (typeof value === 'boolean') first(value ? 1 : 0, 'boolean')
  else if (Array.isArray(value)) writeOps(first(value.length, 'ops'), value as ScenarioOp[], false)
  else {
    const bytes = Buffer.from(String(value), 'utf8')
    first(bytes.length, 'text').raw(bytes)
  }
}

function writeOps(to: ByteWriter, ops: readonly ScenarioOp[], counted = true): void {
  if (counted) to.number(ops.length)
  for (const op of ops) {
    const spec = vocabulary().ops.get(op.op) as OpSpec
    const fields = fieldsOf(spec)
    const there = fields.filter((name) => op[name] !== undefined)
    to.number(spec.code).number(there.reduce((mask, name) => mask | (1n << BigInt(fields.indexOf(name))), 0n))
    for (const name of there) writeValue(to, op[name])
  }
}

function readValue(from: ByteReader, depth: number): unknown {
  const first = from.big()
  const size = first >> 2n
  switch (kinds[Number(first & 3n)]) {
    case 'number':
      if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new BytesFault('a number that is too large')
      return Number(size)
    case 'boolean':
      return size !== 0n
    case 'text':
      return Buffer.from(from.raw(Number(size))).toString('utf8')
    default:
      return readOps(from, Number(size), depth + 1)
  }
}

const deepest = 16

function readOps(from: ByteReader, count: number, depth = 0): ScenarioOp[] {
  if (count > from.left || depth > deepest) throw new BytesFault('more operations than bytes')
  const specs = [...vocabulary().ops.values()]
  return Array.from({ length: count }, () => {
    const code = from.number()
    const spec = specs.find((each) => each.code === code)
    if (spec === undefined) throw new BytesFault('an operation that does not exist')
    const mask = from.big()
    const op: Record<string, unknown> = { op: spec.name }
    for (const [i, name] of fieldsOf(spec).entries()) if ((mask >> BigInt(i)) & 1n) op[name] = readValue(from, depth)
    return op as unknown as ScenarioOp
  })
}

/** Of a scenario that was read. */
export function writeScenario(scenario: Scenario): Uint8Array {
  const to = new ByteWriter()
  const { name, pages = 0 } = scenario
  if (isRandom(scenario)) {
    const { mixes } = scenario
    const [processes, buffers, pagesEach] = (['processes', 'buffers', 'pagesEach'] as const).map(
      (size) => scenario[size] ?? randomSizes[size],
    ) as [number, number, number]
    return to
      .number(1)
      .text(name)
      .number(pages)
      .number(processes)
      .number(buffers)
      .number(pagesEach)
      .number(Math.round((scenario.failing ?? failingOtherwise) * 1e6))
      .text(JSON.stringify(mixes))
      .take()
  }
  const { after = [], hugePages = false } = scenario
  const isLonger = after.length > 0 || hugePages
  to.number(isLonger ? 2 : 0)
    .text(name)
    .number(pages)
  writeOps(to, scenario.setup ?? [])
  to.number(scenario.threads.length)
  for (const thread of scenario.threads) {
    to.text(thread.name)
    writeOps(to, thread.ops)
  }
  if (!isLonger) return to.take()
  writeOps(to, after)
  to.number(hugePages ? 1 : 0)
  return to.take()
}

/** Unchecked, as what JSON.parse gives. Throws {@link BytesFault}. */
export function readScenarioBytes(from: ByteReader): Scenario {
  const kind = from.number(2)
  const drawn = kind === 1
  const name = from.text()
  const pages = from.number()
  const head = { name, ...(pages !== 0 && { pages }) }
  if (drawn) {
    const [processes, buffers, pagesEach, failing] = [from.number(), from.number(), from.number(), from.number() / 1e6]
    const text = from.text()
    try {
      return { ...head, mixes: JSON.parse(text) as RandomScenario['mixes'], processes, buffers, pagesEach, failing }
    } catch {
      throw new BytesFault('mixes that are no JSON')
    }
  }
  const setup = readOps(from, from.number())
  const threads: WrittenScenario['threads'][number][] = []
  for (let left = from.number(from.left); left > 0; left--)
    threads.push({ name: from.text(), ops: readOps(from, from.number()) })
  const after = kind === 2 ? readOps(from, from.number()) : []
  const hugePages = kind === 2 && from.number(1) === 1
  return {
    ...head,
    ...(setup.length > 0 && { setup }),
    threads,
    ...(after.length > 0 && { after }),
    ...(hugePages && { hugePages }),
  }
}
