import type { ReplayNote, ReplayStep } from './replayTypes.ts'

/** `'page 42 _refcount'`: which word of the descriptor it is, the field says. */
export const placeWords = (place: string): string => place.replace(/^(page \d+) word \d+ (?=\S)/, '$1 ')

/** Beyond it a word without a meaning is an address, which says nothing. */
const largest = 1n << 32n

const number = (value: bigint): string => (value < 4096n ? `${value}` : `0x${value.toString(16)}`)

/** What a word says: decoded where the layout knows it. */
export const valueWords = (value: bigint | null, text: string): string =>
  text !== '' ? text : value === null ? '' : number(value)

const flagsOf = (text: string): string[] => (text === 'no flag' ? [] : text.split('|'))

/** Flags that were set and cleared: a list of all of them hides what happened. */
function flagChange(before: string, after: string): string | undefined {
  const isFlags = (text: string): boolean => /^[a-z_0-9]+(\|[a-z_0-9]+)+$|^no flag$/.test(text)
  if (!isFlags(before) && !isFlags(after)) return undefined
  const [had, has] = [flagsOf(before), flagsOf(after)]
  const set = has.filter((flag) => !had.includes(flag)).map((flag) => `+${flag}`)
  const cleared = had.filter((flag) => !has.includes(flag)).map((flag) => `-${flag}`)
  return [...set, ...cleared].join(' ') || 'bits without a name'
}

/** `'1 → 2'`, `'+dirty'`; one value where nothing changed. */
export function changeWords({ before, after, beforeText, afterText }: ReplayStep): string {
  if (before === null || after === null) return ''
  if (before === after) return valueWords(after, afterText)
  return flagChange(beforeText, afterText) ?? `${valueWords(before, beforeText)} → ${valueWords(after, afterText)}`
}

/** A step as one reads it: `'page 42 _refcount: 1 → 2'`, `'takes mmap_lock p'`. */
export function stepWords(step: ReplayStep): string {
  const { access, place, lock, lockEvent, before, after } = step
  if (lock !== null && lockEvent !== null) return `${lockEvent} ${lock}`
  if (place === '') return access
  const where = placeWords(place)
  const isAddress = [before, after].some((value) => value !== null && value >= largest)
  if (isAddress && step.afterText === '') return before === after ? `reads ${where}` : `changes ${where}`
  if (before === null) return `${access === 'wait' ? 'sleeps on' : access} ${where}`
  const words = changeWords(step)
  if (before !== after) return `${where}: ${words}`
  const tried =
    access === 'compare-and-swap' ? 'fails to swap' : access === 'change' || access === 'store' ? access : 'reads'
  return `${tried} ${where}: ${words}`
}

/** `'pin buf a page 0 fast 1'`. */
export function opWords(op: string): string {
  try {
    const { op: name, ...fields } = JSON.parse(op) as Record<string, unknown>
    return [String(name), ...Object.entries(fields).map(([key, value]) => `${key} ${String(value)}`)].join(' ')
  } catch {
    return op
  }
}

export const noteWords = ({ what, op, result }: ReplayNote): string =>
  what === 'begins' ? opWords(op) : `${opWords(op).split(' ')[0]}: ${result}`

/** Places of the sandbox's own books, which no kernel has, or of no name. */
const silent =
  /^(elsewhere|machine|allocator|swap|rcu|LRU lists|)$|^(object \d|process |exit lock |cpu \d|entry \d|record of |mm |vma |anon_vma \d)/

/** A step that says nothing about pages, entries and locks of the kernel's. */
export const isAside = ({ place }: ReplayStep): boolean => silent.test(place)
