import { unquotePrintable } from './line.ts'

/** Longest line that is read; what is longer is cut, and said. */
export const longestLine = 8192

/** Makes lines out of chunks of any size, one held back at most. */
export class LineSplitter {
  #rest = ''
  #cut = false
  #number = 0
  /** First half of a line that mail has broken with `=`. */
  #soft: string | null = null

  readonly #take: (line: string, number: number) => void
  readonly #warn: (line: number, text: string) => void

  constructor(take: (line: string, number: number) => void, warn: (line: number, text: string) => void) {
    this.#take = take
    this.#warn = warn
  }

  write(chunk: string): void {
    let from = 0
    for (;;) {
      const end = chunk.indexOf('\n', from)
      if (end < 0) break
      this.#add(chunk, from, end)
      this.#finish()
      from = end + 1
    }
    this.#add(chunk, from, chunk.length)
  }

  end(): void {
    if (this.#rest !== '') this.#finish()
    if (this.#soft !== null) this.#take(this.#soft, this.#number)
    this.#soft = null
  }

  #add(chunk: string, from: number, to: number): void {
    const room = longestLine - this.#rest.length
    if (to - from > room) this.#cut = true
    if (room > 0) this.#rest += chunk.slice(from, Math.min(to, from + room))
  }

  #finish(): void {
    this.#number++
    let line = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest
    this.#rest = ''
    if (this.#cut) this.#warn(this.#number, `a line of more than ${longestLine} characters was cut`)
    this.#cut = false
    if (this.#soft !== null) {
      line = this.#soft + line
      this.#soft = null
    }
    // Mail breaks at 76 characters; the halves are joined as they are.
    if (isSoftBreak(line)) this.#soft = line.slice(0, -1)
    else if (line.includes('\r')) for (const part of line.split('\r')) this.#take(unquotePrintable(part), this.#number)
    else this.#take(unquotePrintable(line), this.#number)
  }
}

/** `=` at the end of a line of mail. What has an equals sign that is not written as `=3D` is no such mail. */
const isSoftBreak = (line: string): boolean =>
  line.endsWith('=') && line.length < 1024 && (line.includes('=3D') || !/=(?![\dA-F]{2})/.test(line.slice(0, -1)))
