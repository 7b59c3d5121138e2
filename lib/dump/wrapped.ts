import type { CleanLine } from './line.ts'
import { firstPart, partsOf, restOfHeader } from './parts.ts'

/** Wrapped lines that make one. */
const mostJoined = 8

const hexRow = /^(?:(?:0x)?[\da-f]{1,16}(?:[\s,]+|$))+/i
const lastHexToken = /([\da-f]{1,16})\s*$/i

/** A line that may go on in the next one. */
export interface Pending {
  readonly text: string
  readonly number: number
  readonly who: string | null
  readonly stamped: boolean
  readonly joined: number
}

/** How a line would have to go on, if it does: null if it is whole. */
function unfinished(text: string): 'header' | 'row' | 'flags' | 'reason' | 'kernel' | null {
  const parts = partsOf(text)
  const last = parts.at(-1)
  if (/\bflags:\s{0,8}(?:(?:0x)?[\da-f]{1,16}(?:\([^)]*)?)?$/i.test(text)) return 'flags'
  if (/\bCPU: \d.{0,200}ainted[^\d]{0,80}$/.test(text) && last?.kind !== 'kernel') return 'kernel'
  if (last === undefined) return null
  if (last.kind === 'header' || last.kind === 'head') return 'header'
  if (last.kind === 'row') return 'row'
  if (last.kind === 'because' && (last.text === '' || openBrackets(last.text) > 0)) return 'reason'
  return null
}

const openBrackets = (text: string): number => {
  let open = 0
  for (const letter of text) open += letter === '(' ? 1 : letter === ')' ? -1 : 0
  return open
}

/** The two lines as one, or null if the second does not go on with the first. */
export function join(pending: Pending, next: CleanLine): string | null {
  if (next.stamped && pending.stamped) return null
  const rest = next.content
  if (rest === '' || pending.joined >= mostJoined) return null
  const kind = unfinished(pending.text)
  if (kind === null) return null
  const first = firstPart(rest)
  if (first === 0) return null
  if (kind === 'kernel') return /^\d{1,2}\.\d/.test(rest) ? `${pending.text} ${rest}` : null
  if (kind === 'reason') return `${pending.text} ${rest}`
  if (kind === 'flags') return /^[\w|=)(x]+/i.test(rest) ? `${pending.text}${rest}` : null
  if (kind === 'header') {
    if (restOfHeader.test(rest)) return `${pending.text} ${rest}`
    const halved = `${pending.text}${rest}`
    // The last digits of a value, where a terminal has broken the line.
    if (/^[\da-f]{1,12}$/i.test(rest) && pending.text.length >= 60 && /[\da-f]$/i.test(pending.text)) return halved
    // Broken inside of a key or a value, as terminals do.
    const more = (text: string): number => (partsOf(text).at(-1) as { keys?: Map<string, string> })?.keys?.size ?? 0
    return /^[\w:()]+(?:\s+\w+:\s*\S+)*$/.test(rest) && more(halved) > more(pending.text) ? halved : null
  }
  const hex = hexRow.exec(rest)
  if (hex === null || (first > 0 && hex[0].length < first)) return null
  const row = partsOf(pending.text).at(-1) as { words: readonly string[] }
  const width = Math.max(...row.words.map((word) => word.length))
  const tokens = hex[0].trim().split(/[\s,]+/)
  if (row.words.length + tokens.length > (width > 8 ? 8 : 16) + 1) return null
  // A word of fewer digits than its neighbours was cut in two.
  const end = lastHexToken.exec(pending.text)?.[1] ?? ''
  const whole = width === 16 || width === 8
  const cut = whole && end.length < width && end.length + (tokens[0] as string).length === width
  return `${pending.text}${cut ? '' : ' '}${rest}`
}
