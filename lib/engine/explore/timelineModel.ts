import type { NativeFinding, NativeStep } from '../../native/engineBinding.ts'
import type { ReplayNote, ReplayResult, ReplayStep } from './replayTypes.ts'

type Told = Pick<ReplayResult, 'threads' | 'notes' | 'steps'>

const noted = /^thread (\d+) (begins|ends) (\{.*\})(?: (.*))?$/s

/** Steps and operations with the names of their threads, and who holds which lock after each. */
export function tell({ steps, trace }: Pick<NativeFinding, 'steps' | 'trace'>, names: readonly string[]): Told {
  const threads = [...names]
  const nameOf = (number: number): string => {
    while (threads.length < number) threads.push(`helper ${threads.length - names.length + 1}`)
    return threads[number - 1] as string
  }
  const notes = trace.flatMap((line, i): ReplayNote[] => {
    const [, thread, what, op, result = ''] = noted.exec(line) ?? []
    if (thread === undefined || op === undefined) return []
    const next = steps.findIndex((step) => step.noted > i)
    const at = next === -1 ? steps.length : next
    return [{ at, thread: nameOf(Number(thread)), what: what as ReplayNote['what'], op, result }]
  })
  const holders = new Map<string, string[]>()
  const told = steps.map((step, number): ReplayStep => {
    const thread = nameOf(step.thread)
    change(holders, step, thread)
    return {
      number,
      thread,
      access: step.access,
      place: step.place,
      before: step.before ?? null,
      after: step.after ?? null,
      beforeText: step.beforeText ?? '',
      afterText: step.afterText ?? '',
      lock: step.lock ?? null,
      lockEvent: (step.lockEvent as ReplayStep['lockEvent']) ?? null,
      held: [...holders].map(([lock, by]) => ({ lock, by: [...by] })),
    }
  })
  return { threads, notes, steps: told }
}

function change(holders: Map<string, string[]>, { lock, lockEvent }: NativeStep, thread: string): void {
  if (lock === undefined) return
  const by = holders.get(lock) ?? []
  if (lockEvent === 'takes' || lockEvent === 'takes to read') holders.set(lock, [...by, thread])
  if (lockEvent !== 'gives back') return
  // A folio lock may be given back by somebody else than who took it.
  const at = Math.max(by.indexOf(thread), 0)
  const left = by.filter((_, i) => i !== at)
  if (left.length === 0) holders.delete(lock)
  else holders.set(lock, left)
}

/** The page that a text of an audit row is about. */
export function pageIn(text: string): number | null {
  const found = /\bpage (\d+)\b/.exec(text)
  return found === null ? null : Number(found[1])
}

/** Where it went wrong: the last change of that field, or of that page, or the end of what did not end. */
export function brokeAt(
  { outcome, page, text }: Pick<ReplayResult, 'outcome' | 'page' | 'text'>,
  steps: readonly ReplayStep[],
): number | null {
  if (outcome === 'clean' || steps.length === 0) return null
  if (outcome !== 'violation' && outcome !== 'leak') return steps.length - 1
  if (page === null) return null
  const changed = steps.filter(({ place, before, after }) => place.startsWith(`page ${page} `) && before !== after)
  const [, field] = /\bpage \d+ (\S+?):/.exec(text) ?? []
  return (changed.findLast(({ place }) => place.endsWith(` ${field}`)) ?? changed.at(-1))?.number ?? null
}
