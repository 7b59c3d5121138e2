import type { NativeBehaviour } from '../../native/binding.ts'
import type { Layout } from '../../page/layout.ts'
import { layouts } from '../../page/layouts.ts'
import type { Scheme, SchemeDefinition } from '../../pins/scheme.ts'
import { constantsOf, schemes } from '../../pins/schemes.ts'
import { exploredScenarios } from './named.ts'
import { type ReadScenario, readScenario } from '../scenario/readScenario.ts'
import { hashOf, hashOfBytes, type TokenParts, writeToken } from './token.ts'

/** What a schedule is of: all that decides what its choices mean. */
export interface Subject {
  readonly read: ReadScenario
  readonly scheme: Scheme
  readonly layout: Layout
  readonly behaviour: NativeBehaviour
  /** Of random operations. */
  readonly threads: number
  readonly ops: number
  readonly workloadSeed: bigint
  /** 0: as explorations have it. */
  readonly maxSteps: number
}

/** Of what runs; names of scenario and threads do not count. */
export function scenarioHash(read: ReadScenario): string {
  const { lists, mixes, pages, processes, buffers, pagesEach, failing, hugePages } = read
  if (lists === null) return hashOf({ mixes, pages, processes, buffers, pagesEach, failing })
  const all = [Float64Array.of(pages), ...[lists.setup, ...lists.threads].map(({ rows }) => rows)]
  // What most scenarios do not have leaves their hashes as they were.
  if (lists.after.rows.length > 0 || hugePages) all.push(lists.after.rows, Float64Array.of(hugePages ? 1 : 0))
  const bytes = all.map((rows) => [
    Uint8Array.of(rows.length),
    new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength),
  ])
  return hashOfBytes(Buffer.concat(bytes.flat()))
}

export const schemeHash = (scheme: Scheme): string => hashOf(constantsOf(scheme) ?? {})
export const layoutHash = (layout: Layout): string => hashOf(layout)

/** One that pagebox has under this name, read. */
export function namedScenario(name: string): ReadScenario | undefined {
  const found = exploredScenarios.find((each) => each.name === name)
  return found === undefined ? undefined : readScenario(found)
}

/** The texts that repeat schedules of it; what they have in common is made once. */
export function tokensOf(subject: Subject): (program: number, choices: readonly number[]) => string {
  const { read, scheme, layout, behaviour } = subject
  const hash = scenarioHash(read)
  const named = namedScenario(read.name)
  const from = named !== undefined && scenarioHash(named) === hash ? 'named' : 'given'
  const common = {
    scenario: { name: read.name, hash, from, carried: read.source },
    scheme: {
      name: scheme.name,
      hash: schemeHash(scheme),
      ...(!scheme.builtin && { definition: JSON.stringify(scheme.definition) }),
    },
    layout: { name: layout.name, hash: layoutHash(layout) },
    rules: behaviour.rules,
    quirks: behaviour.quirks,
    options: behaviour.options,
    random: read.lists === null ? { threads: subject.threads, ops: subject.ops } : null,
    workloadSeed: subject.workloadSeed,
    maxSteps: subject.maxSteps,
  } as const
  return (program, choices) => writeToken({ ...common, program, choices })
}

/** One of them. */
export const tokenOf = (subject: Subject, program: number, choices: readonly number[]): string =>
  tokensOf(subject)(program, choices)

/** The layout of a token, by its words: an imported one may have another name here. Else what is wrong. */
export function layoutOfToken({ layout }: TokenParts): Layout | string {
  const named = layouts.has(layout.name) ? layouts.get(layout.name) : undefined
  if (named !== undefined && layoutHash(named) === layout.hash) return named
  const same = layouts.list().find((each) => layoutHash(each) === layout.hash)
  if (same !== undefined) return same
  return named === undefined
    ? `layout: there is no '${layout.name}' here`
    : `layout: '${layout.name}' has other words here`
}

/** The scheme of a token, and the way to take it back if the token carried it. Else what is wrong. */
export function schemeOfToken({ scheme }: TokenParts): { scheme: Scheme; carried: boolean } | string {
  const named = schemes.has(scheme.name) ? schemes.get(scheme.name) : undefined
  if (named !== undefined)
    return schemeHash(named) === scheme.hash
      ? { scheme: named, carried: false }
      : `scheme: '${scheme.name}' is defined otherwise here`
  if (scheme.definition === undefined) return `scheme: there is no '${scheme.name}' here`
  try {
    return { scheme: schemes.define(JSON.parse(scheme.definition) as SchemeDefinition), carried: true }
  } catch (error) {
    return `scheme: '${scheme.name}' cannot be defined: ${error instanceof Error ? error.message : 'its definition'}`
  }
}
