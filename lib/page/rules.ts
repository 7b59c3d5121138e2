import { badArgument, string } from '../base/args.ts'
import { list } from '../base/describe.ts'
import { deepFreeze } from '../base/freeze.ts'
import { tables } from '../native/tables.ts'

/** What memory management does where kernel versions differ: one behaviour before a version, one since. */
export interface KernelRule {
  readonly name: string
  /** The first version with the newer behaviour: `'v5.19'`. */
  readonly since: string
  readonly meaning: string
  readonly before: string
  readonly after: string
  /** Commit or document. */
  readonly source: string
  /** False: pagebox has the newer behaviour only, and gives it to older kernels too. */
  readonly beforeExists: boolean
  /** False: pagebox does not have the newer behaviour yet. */
  readonly afterExists: boolean
}

/** A kernel that a machine can be told to behave as. */
export interface RuleSet {
  readonly name: string
  /** Rules whose newer behaviour it has. */
  readonly rules: readonly string[]
  /** Why no machine can have it yet, by the names of what is missing; empty: it can. */
  readonly missing: string
}

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
