import { describe } from '../../base/describe.ts'
import { PageboxError } from '../../errors.ts'
import type { RecordedOp } from '../recording/types.ts'
import { type OpSpec, vocabulary } from './vocabulary.ts'

/** A scenario as the engines take it, and what they cannot take of it. */
export interface EncodedScenario {
  readonly rows: Float64Array
  /** Index in the scenario of each row. */
  readonly indices: readonly number[]
  /** Indices of operations that no engine knows. */
  readonly unknown: readonly number[]
}

/** A scenario's `p`: the process that is there at its start. */
const root = 'p'

/** Numbers of processes by their names, which the lists of a scenario share. */
export const newProcesses = (): Map<string, number> => new Map([[root, 0]])

/**
 * Operations as rows of numbers, checked.
 *
 * @throws PageboxError `ERR_PAGEBOX_SCENARIO` for a field that the operation does not have, one that it
 * lacks, or a value that is not allowed; the message names operation and field.
 */
export function encodeOps(ops: readonly RecordedOp[]): EncodedScenario {
  const { ops: known, tables } = vocabulary()
  const width = tables.slots.length
  const slot = new Map(tables.slots.map((name, i) => [name, i]))
  const rows = new Float64Array(ops.length * width)
  const indices: number[] = []
  const unknown: number[] = []
  const processes = newProcesses()
  for (const [index, op] of ops.entries()) {
    const spec = known.get(op.op)
    if (spec === undefined) {
      unknown.push(index)
      continue
    }
    const row = rows.subarray(indices.length * width, (indices.length + 1) * width)
    const writer = new RowWriter(op, `ops[${index}]`, row, slot, processes)
    writer.write(spec)
    indices.push(index)
  }
  return { rows: rows.subarray(0, indices.length * width), indices, unknown }
}

/** One list of a scenario with threads: `repeat` is followed by its body. */
export interface EncodedList {
  readonly rows: Float64Array
  /** Of each row: the operation, and where it stands in the scenario. */
  readonly ops: readonly { readonly op: RecordedOp; readonly where: string }[]
}

const deepestRepeat = 8
const longestList = 1_000_000

/** @throws PageboxError as {@link encodeOps}, and for an operation that does not exist. */
export function encodeList(list: readonly unknown[], where: string, processes: Map<string, number>): EncodedList {
  const { ops: known, tables } = vocabulary()
  const width = tables.slots.length
  const slot = new Map(tables.slots.map((name, i) => [name, i]))
  const rows: Float64Array[] = []
  const found: { op: RecordedOp; where: string }[] = []
  const fail = (at: string, given: unknown, allowed: string): PageboxError =>
    new PageboxError('ERR_PAGEBOX_SCENARIO', `${at}: ${describe(given)}; allowed: ${allowed}`, {
      argument: at,
      given: describe(given),
      allowed,
    })
  const walk = (ops: readonly unknown[], at: string, depth: number): void => {
    if (depth > deepestRepeat) throw fail(at, ops, `repeats nested ${deepestRepeat} deep`)
    for (const [index, value] of ops.entries()) {
      const here = `${at}[${index}]`
      if (typeof value !== 'object' || value === null) throw fail(here, value, 'an operation: an object with op')
      const op = value as RecordedOp
      const spec = typeof op.op === 'string' ? known.get(op.op) : undefined
      if (spec === undefined) throw fail(`${here}.op`, op.op, [...known.keys()].join(', '))
      const row = new Float64Array(width)
      new RowWriter(op, here, row, slot, processes).write(spec)
      if (rows.push(row) > longestList) throw fail(at, ops, `a list of at most ${longestList} operations`)
      found.push({ op, where: here })
      if (op.op !== 'repeat') continue
      const begin = rows.length
      walk(op.ops as readonly unknown[], `${here}.ops`, depth + 1)
      row[slot.get('pages') as number] = rows.length - begin
    }
  }
  walk(list, where, 0)
  const all = new Float64Array(rows.length * width)
  for (const [i, row] of rows.entries()) all.set(row, i * width)
  return { rows: all, ops: found }
}

/** Fields whose absence means something, and the slots that say they are there. */
const presence = new Map([
  ['page', 'hasPage'],
  ['n', 'hasN'],
  ['fill', 'hasFill'],
  ['pfn', 'hasPfn'],
  ['buf', 'hasBuf'],
  ['expect', 'hasExpect'],
])
/** Numbers that are 1 where nobody says. */
const oneUnlessTold = new Set(['nth', 'times'])
/** Words for `page` that only operations on pages by pfn know: which one, is known when they run. */
const late = ['same', 'held']
/** What `_refcount` can hold. */
const mostAtOnce = 2 ** 31 - 1
const isOfPages = (spec: OpSpec): boolean => spec.fields.some(({ name }) => name === 'pfn')

class RowWriter {
  readonly #op: RecordedOp
  readonly #where: string
  readonly #row: Float64Array
  readonly #slot: ReadonlyMap<string, number>
  readonly #processes: Map<string, number>

  constructor(
    op: RecordedOp,
    at: string,
    row: Float64Array,
    slot: ReadonlyMap<string, number>,
    processes: Map<string, number>,
  ) {
    this.#op = op
    this.#where = `${at} (${op.op})`
    this.#row = row
    this.#slot = slot
    this.#processes = processes
  }

  write(spec: OpSpec): void {
    const allowed = new Set(['op', 'proc', ...spec.fields.map(({ name }) => name), ...spec.checks])
    for (const key of Object.keys(this.#op))
      if (!allowed.has(key)) throw this.#bad(key, this.#op[key], `no field but ${[...allowed].join(', ')}`)
    this.#set('op', spec.code)
    this.#set('proc', this.#process('proc', root))
    for (const { name, optional } of spec.fields) {
      if (this.#op[name] !== undefined) this.#field(name, isOfPages(spec))
      else if (!optional) {
        this.#field(name, isOfPages(spec)) // Says what is allowed.
        throw this.#bad(name, undefined, `a value for ${name}`)
      } else if (oneUnlessTold.has(name)) this.#set(name, 1)
    }
    for (const name of spec.checks) if (this.#op[name] !== undefined) this.#field(name, false)
    if (isOfPages(spec)) this.#checkPage(spec)
  }

  /** One page by pfn, one of a buffer, or one that the thread has. */
  #checkPage(spec: OpSpec): void {
    const { pfn, buf, page, n } = this.#op
    const { placedPages } = vocabulary().tables
    const given = [pfn, buf].filter((each) => each !== undefined).length
    if (given !== (late.includes(page as string) ? 0 : 1))
      throw this.#bad('pfn', pfn, `either pfn or buf; neither of them where page is ${late.join(' or ')}`)
    for (const name of ['pfn', 'page', 'pages']) {
      const value = this.#op[name]
      if (typeof value === 'number' && (value >= placedPages || (name === 'pages' && value === 0)))
        throw this.#bad(name, value, `below ${placedPages}${name === 'pages' ? ', and not 0' : ''}`)
    }
    if (n !== undefined && (n === 0 || (n as number) > mostAtOnce))
      throw this.#bad('n', n, `an integer from 1 to ${mostAtOnce}`)
    if (
      spec.fields.some(({ name }) => name === 'order') &&
      Number(this.#op.pages ?? 0) % 2 ** Number(this.#op.order ?? 0)
    )
      throw this.#bad('pages', this.#op.pages, `a multiple of 2^order`)
  }

  #field(name: string, ofPages: boolean): void {
    if (name === 'ops') {
      // The body follows as rows of its own.
      if (!Array.isArray(this.#op.ops)) throw this.#bad('ops', this.#op.ops, 'an array of operations')
      return
    }
    if (name === 'page' && typeof this.#op.page === 'string') {
      const { picks } = vocabulary().tables
      const known = picks.slice(1).filter((name) => ofPages || !late.includes(name))
      const pick = known.includes(this.#op.page) ? picks.indexOf(this.#op.page) : 0
      if (pick <= 0) throw this.#bad('page', this.#op.page, `a number, ${known.join(', ')}`)
      this.#set('pick', pick)
      return
    }
    const bit = vocabulary().tables.flags.indexOf(name)
    const present = presence.get(name)
    if (present !== undefined) this.#set(present, 1)
    if (bit < 0) this.#set(name, this.#numberOf(name))
    else this.#flag(name, 1 << bit)
  }

  #numberOf(name: string): number {
    const { tables } = vocabulary()
    switch (name) {
      case 'buf':
      case 'to':
        return this.#letter(name, tables.buffers)
      case 'child':
        return this.#process(name, '')
      case 'dev':
        return this.#integer(name, tables.devices - 1)
      case 'file':
        return this.#integer(name, tables.files - 1)
      case 'prot':
        return this.#prot()
      case 'kind':
        return this.#word(name, tables.kinds)
      case 'advice':
        return this.#word(name, tables.advices)
      case 'mode':
        return this.#word(name, tables.modes)
      case 'via':
        return this.#word(name, tables.vias)
      case 'type':
        return this.#word(name, tables.pageTypes)
      case 'site':
        return this.#word(name, tables.failSites)
      case 'stop_at':
        return (
          1 +
          this.#word(
            name,
            tables.stopPoints.slice(1).map((point) => point.name),
          )
        )
      case 'nth':
        return this.#integer(name, Number.MAX_SAFE_INTEGER, 1)
      case 'order':
        return this.#integer(name, tables.order)
      default:
        return this.#integer(name, Number.MAX_SAFE_INTEGER)
    }
  }

  #set(name: string, value: number): void {
    this.#row[this.#slot.get(name) as number] = value
  }

  #flag(name: string, bit: number): void {
    const value = this.#op[name]
    if (value !== 0 && value !== 1 && value !== true && value !== false) throw this.#bad(name, value, '0 or 1')
    const at = this.#slot.get('flags') as number
    if (value) this.#row[at] = (this.#row[at] as number) | bit
  }

  #integer(name: string, max: number, min = 0): number {
    const value = this.#op[name]
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      throw this.#bad(name, value, `an integer from ${min} to ${max}`)
    return value
  }

  #letter(name: string, count: number): number {
    const value = this.#op[name]
    const letter = typeof value === 'string' && value.length === 1 ? value.charCodeAt(0) - 97 : -1
    if (letter < 0 || letter >= count) throw this.#bad(name, value, "a letter from 'a' to 'z'")
    return letter
  }

  #word(name: string, words: readonly string[]): number {
    const value = this.#op[name]
    const at = typeof value === 'string' ? words.indexOf(value) : -1
    if (at < 0) throw this.#bad(name, value, words.join(', '))
    return at
  }

  #prot(): number {
    const value = this.#op.prot
    if (typeof value !== 'string' || !/^[rw]*$/.test(value)) throw this.#bad('prot', value, "'', 'r', 'w' or 'rw'")
    return (value.includes('r') ? 1 : 0) | (value.includes('w') ? 2 : 0)
  }

  #process(name: string, otherwise: string): number {
    const value = this.#op[name] ?? otherwise
    if (typeof value !== 'string' || value === '') throw this.#bad(name, value, "a name of a process, such as 'p'")
    const known = this.#processes.get(value)
    if (known !== undefined) return known
    this.#processes.set(value, this.#processes.size)
    return this.#processes.size - 1
  }

  #bad(field: string, given: unknown, allowed: string): PageboxError {
    const shown = describe(given)
    return new PageboxError('ERR_PAGEBOX_SCENARIO', `${this.#where}: ${field}: ${shown}; allowed: ${allowed}`, {
      argument: `${this.#where}.${field}`,
      given: shown,
      allowed,
    })
  }
}
