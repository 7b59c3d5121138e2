import type { JsonSchema } from '../../base/shape.ts'
import { behaviourKeys } from '../../pins/behaviour.ts'
import { largestWeight, limitsOf, mixNames, mostThreads } from './readScenario.ts'
import { vocabulary } from './vocabulary.ts'

const whole = (name: Parameters<typeof limitsOf>[0]): JsonSchema => {
  const [minimum, maximum] = limitsOf(name)
  return { type: 'integer', minimum, maximum }
}

const object = (properties: Record<string, JsonSchema>, required: readonly string[]): JsonSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})

/** One operation: its fields, as the vocabulary has them; what each may hold depends on the others. */
function operations(): JsonSchema {
  const ops = [...vocabulary().ops.values()].map(({ name, fields, checks }) =>
    object(
      {
        op: { const: name },
        proc: {},
        ...Object.fromEntries([...fields.map((field) => field.name), ...checks].map((each) => [each, {}])),
      },
      ['op', ...fields.filter(({ optional }) => !optional).map((field) => field.name)],
    ),
  )
  return { anyOf: ops }
}

/** What readScenario() takes, as far as a schema can say it. */
export function scenarioSchema(): JsonSchema {
  const name = { type: 'string', minLength: 1 }
  const ops = { type: 'array', items: { $ref: '#/$defs/operation' } }
  const shared = {
    name,
    summary: {},
    pages: whole('pages'),
    ...Object.fromEntries(behaviourKeys.map((key) => [key, {}])),
  }
  const weights = Object.fromEntries(
    mixNames().map((each) => [each, { type: 'integer', minimum: 0, maximum: largestWeight }]),
  )
  const lists = object(
    {
      ...shared,
      setup: ops,
      threads: { type: 'array', minItems: 1, maxItems: mostThreads, items: object({ name, ops }, ['name', 'ops']) },
      after: ops,
      hugePages: { type: 'boolean' },
    },
    ['name', 'threads'],
  )
  const random = object(
    {
      ...shared,
      mixes: { type: 'array', minItems: 1, maxItems: mostThreads, items: object(weights, []) },
      processes: whole('processes'),
      buffers: whole('buffers'),
      pagesEach: whole('pagesEach'),
      failing: { type: 'number', minimum: 0, maximum: 1 },
    },
    ['name', 'mixes'],
  )
  return { anyOf: [lists, random], $defs: { operation: operations() } }
}
