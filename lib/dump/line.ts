/** A line without what the way here has put around it. */
export interface CleanLine {
  /** Without terminal escapes, control characters and quotes of mail. */
  readonly text: string
  /** The thread or CPU that printed it: `'T14893'`, `'C1'`; null where the log does not say. */
  readonly who: string | null
  /** Whether the kernel or the journal has put a time or a host before it: then it begins a line of the log. */
  readonly stamped: boolean
  /** What stands behind all that. */
  readonly content: string
}

// ESC and the 8-bit CSI, then a control sequence, an operating system command, or one more character.
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal escapes are what is looked for
  /\u001b\[[0-?]*[ -/]*[@-~]|\u009b[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b./g
// What is left of a sequence whose ESC a pager has printed as ^[.
const printedEscapes = /\^\[\[[0-?]*[ -/]*[@-~]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Whether a line holds what {@link plainText} takes out, so that a word may be written with something in it. */
export const mayHide = (line: string): boolean => line.search(controls) >= 0 || line.includes('^[[')

/** Text that a terminal shows as it is: no escapes, no control characters, nothing that changes direction. */
export const plainText = (text: string): string =>
  text.replace(escapes, '').replace(printedEscapes, '').replace(controls, '').replaceAll('\u00a0', ' ')

const quotes = /^(?:\s*(?:>|&gt;|\|(?=\s)))+\s?/

// In any order and number, as they nest: a journal line may hold a serial console's line that holds a dmesg line.
const stamps: readonly RegExp[] = [
  /^<\d{1,3}>(?=[[\s\w])/,
  /^\[\s*\d+\.\d+\s*\]/,
  /^\d+\.\d{4,6}\]/,
  /^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:[.,]\d+)? \d{4}\]/,
  /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\]?(?=\s)/,
  /^\[?[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d(?:\.\d+)?\]?(?=\s)/,
  /^\d\d:\d\d:\d\d(?:\.\d+)?(?=\s)/,
  /^(?:kern|user|daemon)\s*:\s*[a-z]+\s*:/,
  /^(?:[\w.-]+ )?kernel(?:\[\d+\])?:/,
  /^\(\d+\)\[\d+:[^\]]*\]/,
]
const thread = /^\[\s*([TC]\d+)\s*\]/

/** Takes a line apart. Bounded: each stamp is cut off once at most four times. */
export function cleanLine(line: string): CleanLine {
  const text = plainText(line).replace(quotes, '')
  let content = text.trimStart()
  let who: string | null = null
  let stamped = false
  for (let round = 0; round < 12; round++) {
    const printed = thread.exec(content)
    const found = printed ?? firstMatch(content)
    if (found === null) break
    if (printed !== null) who = printed[1] as string
    stamped = true
    content = content.slice(found[0].length).trimStart()
  }
  return { text, who, stamped, content: content.trimEnd() }
}

function firstMatch(text: string): RegExpExecArray | null {
  for (const stamp of stamps) {
    const found = stamp.exec(text)
    if (found !== null) return found
  }
  return null
}

/** `=3D` and `=20` of mail that was quoted to be printable. */
export const unquotePrintable = (line: string): string =>
  line.includes('=3D') || /=[\dA-F]{2}\s*$/.test(line)
    ? line.replace(/=(3D|20|09|C2=A0)/g, (_, code: string) => (code === '3D' ? '=' : ' '))
    : line
