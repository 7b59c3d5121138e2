import { keyOf } from './outcomeKey.ts'
import type { ConcurrentRecording, OutcomeResult, RecordedResult } from './types.ts'

/*
 * A kernel's rule that is not here yet makes outcomes that cannot be explored. Which one a missing outcome is due to
 * is not guessed: what a rule decides is left out of the outcome and of all that were explored, and if they agree then,
 * the rule is what it takes.
 */

type Fields = Readonly<Record<string, unknown>>
/** What is left of a result where the rule may say anything. */
type Blur = (result: Fields, op: Fields) => Fields

const without = (result: Fields, ...keys: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(result).filter(([key]) => !keys.includes(key)))
const onPages =
  (change: (page: Fields) => Fields): Blur =>
  (result) =>
    Array.isArray(result.pages) && result.pages.every((page) => typeof page === 'object')
      ? { ...result, pages: result.pages.map((page: Fields) => change(page)) }
      : result
const isMigration = (op: Fields): boolean => op.op === 'migrate_to_dev' || op.op === 'migrate_to_sys'
const isExclusive = (page: Fields): boolean => typeof page.st === 'string' && page.st.startsWith('dev_exclusive')

const blurs: Readonly<Record<string, Blur>> = {
  'exclusive-one-kind': onPages((page) => (isExclusive(page) ? { ...page, st: 'dev_exclusive' } : page)),
  'exclusive-keeps-mapping': onPages((page) => without(page, 'mc')),
  'exclusive-clean': onPages((page) => without(page, 'sd')),
  // Which error, and how far it came.
  'exclusive-page-by-page': (result, op) =>
    op.op === 'exclusive' && result.ret !== 'ok' ? { ret: 'refused' } : result,
  'exclusive-splits-huge': (result, op) =>
    op.op === 'exclusive' ? without(result, 'ret', 'cpages', 'v') : without(result, 'pages', 'prot'),
  'huge-migrates-whole': (result, op) => {
    const left = isMigration(op) ? without(result, 'cpages') : result
    return Array.isArray(left.prot)
      ? { ...left, prot: left.prot.map((each) => String(each).replace(/\bPMD\|/, '')) }
      : left
  },
}
/** These say something where there are huge pages alone. */
const ofHuge: ReadonlySet<string> = new Set(['exclusive-splits-huge', 'huge-migrates-whole'])

/** The rules whose outcomes can be told; the others are names alone. */
export const toldRules: readonly string[] = Object.keys(blurs)

function blurred(outcome: OutcomeResult, recording: ConcurrentRecording, rules: readonly string[]): string {
  const all = rules.map((rule) => blurs[rule] as Blur)
  const each = (results: readonly (RecordedResult | null)[], ops: readonly unknown[]): (RecordedResult | null)[] =>
    results.map((result, i) =>
      result === null
        ? null
        : (all.reduce<Fields>((left, blur) => blur(left, ops[i] as Fields), result as Fields) as RecordedResult),
    )
  return keyOf({
    threads: outcome.threads.map((results, t) => each(results, recording.threads[t]?.ops ?? [])),
    after: each(outcome.after, recording.after),
  })
}

/** Sets of rules, the smaller ones first. */
function* setsOf(rules: readonly string[]): Iterable<readonly string[]> {
  for (let size = 1; size <= rules.length; size++)
    for (let bits = 1; bits < 2 ** rules.length; bits++) {
      const set = rules.filter((_, i) => (bits >> i) & 1)
      if (set.length === size) yield set
    }
}

/**
 * The fewest of the rules in `absent` without which an outcome is one of those explored; empty: it is missing for
 * another reason.
 */
export function neededRules(
  expected: OutcomeResult,
  explored: readonly OutcomeResult[],
  recording: ConcurrentRecording,
  absent: readonly string[],
): readonly string[] {
  const hasHuge = recording.thp !== undefined && recording.thp !== 'never'
  const may = absent.filter((rule) => toldRules.includes(rule) && (hasHuge || !ofHuge.has(rule)))
  for (const set of setsOf(may)) {
    const key = blurred(expected, recording, set)
    if (explored.some((each) => blurred(each, recording, set) === key)) return set
  }
  return []
}
