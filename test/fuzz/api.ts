import { readFileSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import * as assertions from '../../lib/assert.ts'
import * as pagebox from '../../lib/index.ts'
import { type AuditReport, type Box, PageboxError } from '../../lib/index.ts'
import { Knowledge } from './learn.ts'
import type { Line, Program, Settled } from './program.ts'
import { Random } from './random.ts'
import { badSources } from '../badValues.ts'
import type { Find } from './values.ts'
import { type Member, membersOf, shapeOf } from './walk.ts'

/** Something that can be called on, and how a line names it. */
interface Target {
  readonly source: string
  readonly object: object
  readonly shape: string
  /** The box that it came from, or the line that made it: objects of one go together. */
  readonly owner: string
}

const mostOfAShape = 6

/** Give back what they were given: nothing of pagebox to call, and it may have been made to lie. */
const givesBack = /\.defineConfig$/

const ending = /close|dispose|remove|unmap|reset|giveBack/i

/** Closed or gone: there is little left to call. */
function isOver({ object, shape }: Target): boolean {
  try {
    const { closed, removed, held, mm, box } = object as Record<string, unknown>
    const [space, owner] = [mm, box] as (Record<string, unknown> | undefined)[]
    return closed === true || removed === true || held === false || space?.closed === true || owner?.closed === true
  } catch {
    return shape === '' // Not even that can be read: as good as any.
  }
}

/**
 * Calls everything that the package has, in random order: whatever an export, or an object that a call has returned,
 * lets a program call, read or construct.
 */
export class ApiFuzzer {
  readonly #program: Program
  readonly #random: Random
  readonly #knowledge: Knowledge
  readonly #savedAt: string
  readonly #exports: readonly Target[]
  /** Of what the present line is called on. */
  #owner = ''
  /** Objects that calls have returned, by shape; the oldest go. */
  readonly #pool = new Map<string, Target[]>()
  /** The shape of each object that was in the pool. */
  readonly #shapes = new Map<string, string>()
  /** Boxes whose schemes were made wrong on purpose, and, since a box does not tell, those attached after one was. */
  readonly #quirky = new Set<unknown>()
  /** How often each member was called, so that the rare ones get their turn. */
  readonly #calls = new Map<string, number>()
  /** How often it did what it is for. */
  readonly #done = new Map<string, number>()

  constructor(program: Program, seed: number, savedAt: string) {
    this.#program = program
    this.#random = new Random(seed)
    this.#savedAt = savedAt
    this.#knowledge = new Knowledge(savedKnowledge(savedAt))
    const targets: Target[] = [
      { source: 'P', object: pagebox, shape: 'pagebox', owner: '' },
      { source: 'A', object: assertions, shape: 'assert', owner: '' },
    ]
    // A box is what most of it hangs on.
    targets.push(
      ...Array.from({ length: 4 }, () => ({ source: 'P.Box', object: pagebox.Box, shape: 'Box', owner: '' })),
    )
    for (const [name, value] of Object.entries(pagebox))
      if ((typeof value === 'object' && value !== null && !Array.isArray(value)) || typeof value === 'function')
        targets.push({ source: `P.${name}`, object: value, shape: name, owner: '' })
    this.#exports = targets
  }

  /** How many calls each member had, and how many of them were no error. */
  get calls(): Record<string, [number, number]> {
    return Object.fromEntries([...this.#calls].map(([key, times]) => [key, [times, this.#done.get(key) ?? 0]]))
  }

  async run(lines: number, until: number): Promise<void> {
    for (let i = 0; i < lines && Date.now() < until; i++) {
      await this.#step()
      if (i % 8 === 0) await setImmediate()
      if (i % 40 === 39) await this.#audit()
      if (i % 100 === 99) this.#save()
    }
    await this.#program.settle()
    await this.#audit()
    this.#save()
  }

  #save(): void {
    writeFileSync(this.#savedAt, JSON.stringify(this.#knowledge))
  }

  /** An object of a shape, as source text. */
  readonly #find: Find = (shape) => {
    const found = [...this.#pool.entries()].filter(([name]) => shape.test(name)).flatMap(([, targets]) => targets)
    if (found.length === 0) return undefined
    const near = found.filter((target) => target.owner === this.#owner && !isOver(target))
    return this.#random.pick(near.length > 0 && this.#random.chance(0.9) ? near : found).source
  }

  async #step(): Promise<void> {
    const { target, member } = this.#choose()
    this.#owner = target.owner
    this.#calls.set(member.key, (this.#calls.get(member.key) ?? 0) + 1)
    const line = { source: this.#source(target, member), waits: this.#random.chance(0.85) }
    const at = this.#program.objects.length
    const result = await this.#program.run(line)
    if (result === undefined) return
    if ('error' in result) {
      this.#program.judge(result.error, line)
      if (result.error instanceof PageboxError) this.#knowledge.learn(member.key, result.error)
    } else {
      const quirks = /quirks: (?!undefined|\[\])/.test(line.source)
      if (quirks || (this.#quirky.size > 0 && /\battach\b/.test(line.source)))
        this.#quirky.add(this.#program.objects[at])
      this.#done.set(member.key, (this.#done.get(member.key) ?? 0) + 1)
      if (member.kind === 'call' && line.source.endsWith(')') && !line.source.startsWith('Reflect')) {
        const args = line.source.slice(line.source.indexOf('(') + 1, -1)
        this.#knowledge.succeed(member.key, args, (source) => this.#shapes.get(source))
      }
      this.#keep(result, at, member.key)
    }
  }

  /**
   * A shape by chance, and of its members one that was called seldom: what has many members, or many objects, is not
   * called oftener for it.
   */
  #choose(): { target: Target; member: Member } {
    const random = this.#random
    const shapes = [...this.#pool.values()]
    // Of two shapes the one that can do more, mostly.
    const size = ([target]: readonly Target[]): number =>
      target === undefined ? 0 : membersOf(target.object, target.shape).length
    const richer = (one: Target[], other: Target[]): Target[] =>
      size(other) > size(one) && random.chance(0.75) ? other : one
    const target =
      shapes.length === 0 || random.chance(0.2)
        ? random.pick(this.#exports)
        : random.pick(richer(random.pick(shapes), random.pick(shapes)))
    const members = membersOf(target.object, target.shape)
    if (members.length === 0 || (isOver(target) && random.chance(0.8))) return this.#choose()
    const [one, other] = [random.pick(members), random.pick(members)]
    const called = ({ key }: Member): number => this.#calls.get(key) ?? 0
    const member = random.chance(0.5) && called(other) < called(one) ? other : one
    // What ends an object comes seldom: more is to be done with it before.
    return ending.test(String(member.name)) && random.chance(0.85) ? this.#choose() : { target, member }
  }

  #source(target: Target, member: Member): string {
    const { name, key, kind } = member
    const index = typeof name === 'symbol' ? `[${symbolSource(name)}]` : `.${String(name)}`
    const on = `${target.source}${index}`
    if (kind === 'get') return on
    const fn = Reflect.get(target.object, name, target.object) as (...args: never[]) => unknown
    const args = this.#knowledge.args(key, fn, this.#random, this.#find).join(', ')
    if (kind === 'construct') return name === 'PageboxError' ? 'P.errorCodes' : `Reflect.construct(${on}, [${args}])`
    if (this.#random.chance(0.03)) {
      const other = this.#find(/./) ?? '{}'
      const wrong = this.#random.chance(0.5) ? other : this.#random.pick(badSources)
      return `Reflect.apply(${on}, ${wrong}, [${args}])`
    }
    return `${on}(${args})`
  }

  #keep(result: Settled, at: number, from: string): void {
    if (!('value' in result) || givesBack.test(from)) return
    const items = Array.isArray(result.value) ? result.value.slice(0, 2) : [result.value]
    items.forEach((object: unknown, i) => {
      const shape = shapeOf(object, from)
      if (shape === undefined) return
      const source = Array.isArray(result.value) ? `o[${at}][${i}]` : `o[${at}]`
      const same = this.#pool.get(shape) ?? []
      this.#pool.set(shape, same)
      this.#shapes.set(source, shape)
      same.push({ source, object: object as object, shape, owner: this.#owner === '' ? source : this.#owner })
      if (same.length > mostOfAShape) same.splice(this.#random.int(0, mostOfAShape - 1), 1)
    })
  }

  /** With the account of pins kept, nothing that was called may have left a descriptor wrong. */
  async #audit(): Promise<void> {
    for (const { source, object } of this.#pool.get('Box') ?? []) {
      const at = /\d+/.exec(source)?.[0]
      const box = object as Box
      if (at === undefined || this.#quirky.has(box) || box.closed || !box.ledger || !neverDamages(box)) continue
      const line: Line = { source: `${source}.audit()`, waits: true }
      const result = await this.#program.run(line)
      if (result === undefined) continue
      if ('error' in result) {
        this.#program.judge(result.error, line)
        continue
      }
      const { rows } = result.value as AuditReport
      const row = rows.find((each) => !isOfLayout(each))
      if (row === undefined) continue
      const said = `${row.invariant}: page ${row.pfn}, ${row.field} is ${row.found}, not ${row.expected}`
      const mark = `dirty audit ${row.invariant} ${row.field}`
      this.#program.find({ kind: 'dirty audit', mark, text: `${said} (${box.scheme.name}, ${box.layout.name})` }, line)
    }
  }
}

/** How a program names a symbol: `Symbol.dispose`, whose description is another on Node 20. */
function symbolSource(symbol: symbol): string {
  const kinds = Symbol as unknown as Record<string, unknown>
  const known = Object.getOwnPropertyNames(Symbol).find((name) => kinds[name] === symbol)
  return known === undefined ? `Symbol.for(${JSON.stringify(symbol.description)})` : `Symbol.${known}`
}

/** A layout of 2018 has `pgmap` where the index of a migrated page goes: its own conflict, which the audit is to find. */
const isOfLayout = ({ invariant, explanation }: AuditReport['rows'][number]): boolean =>
  invariant === 'pgmap-intact' && /in the word of index/.test(explanation)

const fitting = new Map<string, boolean>()

/** Whether a scheme collides with nothing on any page of the layout: else a pin is damage by intent. */
function neverDamages({ scheme, layout }: Box): boolean {
  const name = `${scheme.name} ${layout.name}`
  if (!fitting.has(name)) {
    const cells = [0, 9].flatMap((order) =>
      pagebox.pageTypes.map(
        (pageType) => pagebox.room({ scheme: scheme.name, layout: layout.name, pageType, order }).cell,
      ),
    )
    fitting.set(name, !cells.includes('collides'))
  }
  return fitting.get(name) as boolean
}

function savedKnowledge(path: string): ConstructorParameters<typeof Knowledge>[0] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ConstructorParameters<typeof Knowledge>[0]
  } catch {
    return {} // The first process, or one that ended while it wrote.
  }
}
