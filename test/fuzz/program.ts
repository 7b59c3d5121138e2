import { appendFileSync } from 'node:fs'
import * as assertions from '../../lib/assert.ts'
import * as pagebox from '../../lib/index.ts'
import { helpers } from './helpers.ts'

/** Something that must not be. */
export interface Finding {
  readonly kind: 'untyped error' | 'internal error' | 'dirty audit' | 'disagreement' | 'exit status' | 'hang' | 'crash'
  /** What says that two findings are one. */
  readonly mark: string
  readonly text: string
}

/** One line of a program: source text of an expression, and whether its promise is waited for. */
export interface Line {
  readonly source: string
  readonly waits: boolean
}

export type Settled = { readonly value: unknown } | { readonly error: unknown }

const AsyncFunction = (async () => {}).constructor as new (
  ...text: string[]
) => (...args: unknown[]) => Promise<unknown>

const awaited = 20_000

/** Without a signal these measure for half a minute, or longer on a busy machine: longer than anybody waits here. */
const measures = ({ source }: Line): boolean =>
  /\bP\.(compare|search|exploreSchemes)\b/.test(source) && !source.includes('signal')

/**
 * Runs lines one by one and writes each down before it runs, so that the file tells what a process did that is gone.
 * Line i leaves its result in `o[i]`, where later lines find it.
 */
export class Program {
  readonly objects: unknown[] = []
  readonly #log: string
  readonly #known = new Set<string>()
  readonly #pending = new Set<Promise<unknown>>()
  readonly #scope: Record<string, unknown>

  constructor(log: string, more: object = {}) {
    this.#log = log
    this.#scope = { P: pagebox, A: assertions, H: { ...helpers, ...more }, o: this.objects }
  }

  /** What became of a line; undefined if an object that it names does not exist, or if it would measure for long. */
  async run(line: Line): Promise<Settled | undefined> {
    const at = this.objects.length
    this.objects.push(undefined)
    if (measures(line)) return undefined
    appendFileSync(this.#log, `${JSON.stringify({ at, ...line })}\n`)
    for (const [, index] of line.source.matchAll(/\bo\[(\d+)\]/g))
      if (this.objects[Number(index)] === undefined) return undefined
    const names = Object.keys(this.#scope)
    const call = new AsyncFunction(...names, `return { value: (${line.source}) }`)
    try {
      const { value } = (await call(...names.map((name) => this.#scope[name]))) as { value: unknown }
      if (!(value instanceof Promise)) {
        this.objects[at] = value
        return { value }
      }
      const settled = value.then(
        (result) => {
          this.objects[at] = result
          return { value: result }
        },
        (error: unknown) => ({ error }),
      )
      if (line.waits) return await this.#soon(settled, line)
      const pending: Promise<unknown> = settled.then((result) => {
        this.#pending.delete(pending)
        if ('error' in result) this.judge(result.error, line)
      })
      this.#pending.add(pending)
      return { value: undefined }
    } catch (error) {
      return { error }
    }
  }

  async #soon<Value>(promise: Promise<Value>, line: Line): Promise<Value> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.find({ kind: 'hang', mark: `hang ${callOf(line)}`, text: `not settled after ${awaited} ms` }, line)
        reject(new pagebox.PageboxError('ERR_PAGEBOX_ABORTED', 'the fuzzer waits no longer'))
      }, awaited)
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Waits for what was left running. */
  async settle(): Promise<void> {
    const line = { source: 'the promises left', waits: true }
    // One that never settles is a finding by then, not the end of the process.
    for (const pending of [...this.#pending]) await this.#soon(pending, line).catch(() => undefined)
  }

  /** An error that no caller should have to see. */
  judge(error: unknown, line: Line): void {
    if (error instanceof pagebox.PageboxError) {
      if (error.code === 'ERR_PAGEBOX_INTERNAL' || error.code === 'ERR_PAGEBOX_PLATFORM')
        this.find({ kind: 'internal error', mark: `${error.code} ${callOf(line)}`, text: error.message }, line)
      return
    }
    const { name, message, fromCallback, code } = (error ?? {}) as {
      name?: string
      message?: string
      fromCallback?: boolean
      code?: string
    }
    if (fromCallback === true || code === 'ERR_ASSERTION') return
    const what = `${String(name)}: ${String(message).slice(0, 300)}`
    const kind = name === 'Disagreement' ? 'disagreement' : name === 'ExitStatus' ? 'exit status' : 'untyped error'
    this.find({ kind, mark: `${kind} ${callOf(line)} ${what.replace(/\d+/g, 'N').slice(0, 120)}`, text: what }, line)
  }

  find(finding: Finding, line: Line): void {
    if (this.#known.has(finding.mark)) return
    this.#known.add(finding.mark)
    appendFileSync(this.#log, `${JSON.stringify({ finding, source: line.source, at: this.objects.length })}\n`)
  }
}

/** The call of a line without its objects and arguments: `.pins.pin`, `P.run`. */
export const callOf = ({ source }: Line): string => {
  const text = source.replace(/^Reflect\.(apply|construct)\(/, '').replace(/o\[\d+\]/g, '')
  return (/^[\w.$[\]]*/.exec(text)?.[0] ?? '').slice(0, 60)
}
