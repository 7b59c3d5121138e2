import { badArgument, string } from '../base/args.ts'
import { list } from '../base/describe.ts'
import { deepFreeze } from '../base/freeze.ts'
import { tables } from '../native/tables.ts'
import type { KernelRule, RuleSet } from '../native/tableTypes.ts'

export type { KernelRule, RuleSet } from '../native/tableTypes.ts'

let frozen: { readonly rules: readonly KernelRule[]; readonly sets: readonly RuleSet[] } | undefined

function read(): { readonly rules: readonly KernelRule[]; readonly sets: readonly RuleSet[] } {
  frozen ??= deepFreeze({ rules: tables().rules, sets: tables().ruleSets })
  return frozen
}

/**
 * A kernel, with single rules newer (`+name`) or older (`~name`) than it has them: `'v6.12'`,
 * `'v6.12+mirror-chunks'`. Checked here, read by native code.
 */
export function rulesText(value: unknown, argument: string): string {
  const kernels = ruleSets().map(({ name }) => name)
  const [kernel, ...single] = string(value, argument).split(/[+~]/)
  const known = kernelRules().map(({ name }) => name)
  if (kernel === undefined || !kernels.includes(kernel))
    throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, value, list(kernels))
  for (const name of single)
    if (!known.includes(name))
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', argument, value, `+ or ~ and a rule: ${list(known)}`)
  return value as string
}

/** Every rule, with both behaviours. */
export const kernelRules = (): readonly KernelRule[] => read().rules

/** The kernels that there are, oldest first. */
export const ruleSets = (): readonly RuleSet[] => read().sets
