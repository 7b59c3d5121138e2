import { isRandom } from '../scenario/isRandom.ts'
import type { Scenario, ScenarioOp } from '../scenario/scenarioTypes.ts'

/** A scenario as JSON that one reads and edits: an operation a line. */
export function scenarioText(scenario: Scenario): string {
  if (isRandom(scenario)) return JSON.stringify(scenario, null, 2)
  const { setup = [], threads, after = [], ...rest } = scenario
  const list = (ops: readonly ScenarioOp[], indent: string): string =>
    ops.length === 0 ? '[]' : `[\n${ops.map((op) => `${indent}  ${JSON.stringify(op)}`).join(',\n')}\n${indent}]`
  const parts = [
    ...Object.entries(rest).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`),
    ...(setup.length === 0 ? [] : [`"setup": ${list(setup, '  ')}`]),
    `"threads": [\n${threads
      .map(({ name, ops }) => `    { "name": ${JSON.stringify(name)}, "ops": ${list(ops, '    ')} }`)
      .join(',\n')}\n  ]`,
    ...(after.length === 0 ? [] : [`"after": ${list(after, '  ')}`]),
  ]
  return `{\n${parts.map((part) => `  ${part}`).join(',\n')}\n}`
}
