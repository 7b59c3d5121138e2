import type { Candidate } from './candidates.ts'
import { fieldAt, placesOf, solveWidths } from './high.ts'
import type { RawDump } from './rawDump.ts'

/** The fields at the top of `flags`, where they are known. */
export interface TopFields {
  readonly section: number | null
  readonly node: number | null
  readonly zone: number | null
  readonly lastcpupid: number | null
  readonly kasantag: number | null
  /** The bit from which on no flag can be; the word's width where that is not known. */
  readonly flagsEnd: number
  readonly unknown: readonly string[]
  readonly warnings: readonly string[]
}

const names = ['section', 'node', 'zone', 'lastcpupid', 'kasantag'] as const
type Values = Record<(typeof names)[number], number | null>

/**
 * Printed values are facts, and solve the widths. Without them a layout that was given or imported has the widths of
 * its configuration; the eras have none, and then nothing is known.
 */
export function topFields(dump: RawDump, word: bigint | undefined, wordBits: number, candidate: Candidate): TopFields {
  const values: Values = { section: null, node: null, zone: null, lastcpupid: null, kasantag: null }
  const printed = dump.flags?.fields ?? {}
  const known = names.filter((name) => printed[name] !== undefined)
  if (dump.flags !== null && known.length > 0) return fromPrint(dump.flags.value, printed, wordBits, candidate, values)
  if (candidate.highFields !== null && word !== undefined) {
    for (const place of candidate.highFields) values[place.name] = fieldAt(word, place)
    const flagsEnd = Math.min(wordBits, ...candidate.highFields.map(({ shift }) => shift))
    return { ...values, flagsEnd, unknown: missing(values, `layout ${candidate.name} has none`), warnings: [] }
  }
  const because =
    dump.flags === null
      ? 'their widths are a matter of the configuration, and the log has no flags line'
      : 'their widths are a matter of the configuration, and this kernel does not print them'
  return { ...values, flagsEnd: wordBits, unknown: [`zone, node and last_cpupid: ${because}`], warnings: [] }
}

const missing = (values: Values, why: string): string[] => {
  const list = (['zone', 'node', 'lastcpupid'] as const).filter((name) => values[name] === null)
  return list.length === 0 ? [] : [`${list.join(', ').replace('lastcpupid', 'last_cpupid')}: ${why}`]
}

function fromPrint(
  value: bigint,
  printed: Readonly<Record<string, bigint>>,
  wordBits: number,
  candidate: Candidate,
  values: Values,
): TopFields {
  for (const name of names) if (printed[name] !== undefined) values[name] = Number(printed[name])
  const lowest = candidate.era?.flags.length ?? 0
  const solutions = solveWidths(value, wordBits, printed, Math.min(lowest, wordBits - 1))
  const ends = solutions.map((widths) => Math.min(wordBits, ...placesOf(widths, wordBits).map(({ shift }) => shift)))
  const warnings =
    solutions.length === 0 ? ['no widths of zone, node and last_cpupid give the values that the flags line prints'] : []
  return {
    ...values,
    flagsEnd: ends.length === 0 ? wordBits : Math.max(...ends),
    unknown: missing(values, 'not in the flags of this kernel, or not printed'),
    warnings,
  }
}
