import { badArgument, oneOf, options, or, type Read } from '../../base/args.ts'
import type { NativeSeen } from '../../native/engineBinding.ts'
import type { Layout } from '../../page/layout.ts'
import type { ReadScenario } from './readScenario.ts'
import type { OutcomeOptions, SeenResult } from './scenarioTypes.ts'

/** Bits, as OutcomesOf in explore_messages.h has them, 0: none; and names of fields. */
export function outcomesOf(given: unknown, read: ReadScenario, layout: Layout): { outcomes: number; fields: string[] } {
  if (given === undefined || given === false) return { outcomes: 0, fields: [] }
  if (read.lists === null)
    throw badArgument(
      'ERR_PAGEBOX_ARG_RANGE',
      'options.outcomes',
      given,
      'nothing, unless the scenario is written down',
    )
  const told = given === true ? {} : options(given as OutcomeOptions, 'options.outcomes', ['of', 'flags', 'fields'])
  const { of, flags, fields } = told as Read<'of' | 'flags' | 'fields'>
  const which = oneOf(or(of, 'all'), 'options.outcomes.of', ['all', 'threads', 'after'])
  const all = oneOf(or(flags, 'kind'), 'options.outcomes.flags', ['kind', 'all']) === 'all'
  const bits = (which === 'after' ? 0 : 1) | (which === 'threads' ? 0 : 2) | (all ? 4 : 0)
  return { outcomes: bits, fields: fields === undefined ? [] : fieldNames(fields, layout) }
}

const mostFields = 64

function fieldNames(given: unknown, layout: Layout): string[] {
  const names = [...new Set(layout.fields.map(({ name }) => name))]
  if (!Array.isArray(given) || given.length > mostFields)
    throw badArgument('ERR_PAGEBOX_ARG_TYPE', 'options.outcomes.fields', given, `up to ${mostFields} names of fields`)
  return Array.from(given as unknown[], (each, i) => oneOf(each, `options.outcomes.fields[${i}]`, names))
}

/** By page and name. */
export const fieldsOf = (found: NativeSeen['fields'], names: readonly string[]): SeenResult['fields'] =>
  Object.fromEntries(
    found.map(({ place, values, signed }) => [
      place,
      Object.fromEntries(
        names.map((name, i) => {
          const value = values[i] ?? null
          return [name, value !== null && signed[i] ? BigInt.asIntN(64, value) : value]
        }),
      ),
    ]),
  )
