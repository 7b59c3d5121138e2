import { array, badArgument, boolean, oneOf, type Read } from '../base/args.ts'
import { list } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import type { NativeBehaviour } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { tables } from '../native/tables.ts'
import type { Layout } from '../page/layout.ts'
import { layoutRef } from '../page/layouts.ts'
import { ruleSets, rulesText } from '../page/rules.ts'
import type { Scheme } from './scheme.ts'
import { schemeRef, schemes } from './schemes.ts'

/** How a machine behaves beside what its layout and its scheme say. */
export interface BehaviourOptions {
  /**
   * The kernel whose rules hold: `'v6.12'`, `'v4.20'`; by default the layout's. `+name` and `~name` behind it
   * make single rules newer or older.
   */
  rules?: string
  /** Historic bugs to switch on, by name; none. */
  quirks?: readonly string[]
  /**
   * Writeback leaves a file's page dirty while it may be pinned, as the thread of 2018 proposed; false, as
   * Linux 6.12, which does not ask.
   */
  writebackAsksPins?: boolean
  /** An extension that no kernel has: `migrateToDevice` takes pages of files too; false. */
  fileBackedDevicePages?: boolean
}

const flags = ['writebackAsksPins', 'fileBackedDevicePages'] as const satisfies (keyof BehaviourOptions)[]

/** The properties of {@link BehaviourOptions}. */
export const behaviourKeys = ['rules', 'quirks', ...flags] as const

/**
 * Checks and reads them, once each.
 *
 * @throws PageboxError `ERR_PAGEBOX_RULES` where a machine cannot have these rules;
 * `ERR_PAGEBOX_ARG_RANGE` for a quirk that cannot show with this scheme, layout and rules: a clean audit
 * would mean nothing.
 */
export function behaviourOf(
  given: Read<(typeof behaviourKeys)[number]>,
  argument: string,
  scheme: Scheme,
  layout: Layout,
): NativeBehaviour {
  const { rules, quirks } = given
  const behaviour: NativeBehaviour = {
    rules: rules === undefined ? '' : rulesText(rules, `${argument}.rules`),
    quirks: quirks === undefined ? [] : quirkNames(quirks, `${argument}.quirks`),
    options: tables()
      .machineOptions.filter(({ name, otherwise }) => {
        const value = given[name as (typeof flags)[number]]
        return value === undefined ? otherwise : boolean(value, `${argument}.${name}`)
      })
      .map(({ name }) => name),
  }
  checkBehaviour(behaviour, argument, scheme, layout)
  return behaviour
}

const quirkNames = (value: unknown, argument: string): string[] => {
  const known = tables().quirks.map(({ name }) => name)
  return array(value, argument, (quirk, where) => oneOf(quirk, where, known))
}

/** Refuses what cannot be, before anything is made. `argument` ends in what it is an option of, or is `--`. */
export function checkBehaviour(behaviour: NativeBehaviour, argument: string, scheme: Scheme, layout: Layout): void {
  if (behaviour.rules === '' && behaviour.quirks.length === 0) return
  const found = native().behaviourRefusals({ behaviour, scheme: schemeRef(scheme), layout: layoutRef(layout) })
  if (!Array.isArray(found)) throw badArgument('ERR_PAGEBOX_ARG_TYPE', argument, behaviour, 'rules and quirks')
  const [first] = found
  if (first === undefined) return
  const prefix = argument === '--' ? argument : `${argument}.`
  if (first.field === 'rules') {
    const allowed = ruleSets()
      .filter(({ missing }) => missing === '')
      .map(({ name }) => name)
    const where = `${prefix}rules`
    throw new PageboxError('ERR_PAGEBOX_RULES', `${where}: ${first.why}`, {
      argument: where,
      given: `'${behaviour.rules}'`,
      allowed: list(allowed),
    })
  }
  const index = behaviour.quirks.indexOf(first.name)
  const where = argument === '--' ? '--quirks' : `${prefix}quirks[${index}]`
  const can = quirksThatShow(scheme, layout, behaviour.rules)
  const allowed = can.length === 0 ? 'none' : list(can)
  throw new PageboxError('ERR_PAGEBOX_ARG_RANGE', `${where}: ${first.why}; ${subject(scheme)} can show ${allowed}`, {
    argument: where,
    given: `'${first.name}'`,
    allowed,
  })
}

const subject = ({ name }: Scheme): string => `'${name}'`

/** Quirks that a machine of that kind can show. */
export function quirksThatShow(scheme: Scheme, layout: Layout, rules = ''): string[] {
  const all = tables().quirks.map(({ name }) => name)
  const behaviour = { rules, quirks: all, options: [] }
  const refused = native().behaviourRefusals({ behaviour, scheme: schemeRef(scheme), layout: layoutRef(layout) })
  if (!Array.isArray(refused)) return []
  const cannot = new Set(refused.filter(({ field }) => field === 'quirks').map(({ name }) => name))
  return all.filter((name) => !cannot.has(name))
}

/** Nothing but what the layout says. */
export const plainBehaviour: NativeBehaviour = Object.freeze({ rules: '', quirks: [], options: [] })

/** Schemes that declare a quirk of pins. */
export const schemesWith = (quirk: string): string[] =>
  [...schemes].filter(({ quirks }) => quirks.includes(quirk)).map(({ name }) => name)
