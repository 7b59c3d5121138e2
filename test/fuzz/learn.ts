import type { PageboxError } from 'pagebox'
import type { Random } from './random.ts'
import { badSources } from '../badValues.ts'
import { allowedSource, type Find } from './values.ts'

/** What is known of one place in the arguments of a function. */
interface Place {
  /** The words of an error: what is allowed there. */
  allowed?: string
  /** Leaving it out was an error. */
  required?: boolean
  /** Properties of an options object. */
  keys?: string[]
}

/** What is known of a function: the names of its parameters, and places by path (`options.quirks[]`). */
interface Known {
  readonly parameters: readonly string[]
  readonly places: Record<string, Place>
  /** Arguments that were taken, with the shapes of objects in place of the objects. */
  taken?: string[]
}

const mostTaken = 12

/** Examples for what no error describes well enough; everything else is learned. */
const examples: Readonly<Record<string, readonly string[]>> = {
  scenario: [
    "{ name: 's', threads: [{ name: 'a', ops: [{ op: 'mmap', buf: 'a', pages: 4, kind: 'anon-private', prot: 'rw' }, { op: 'store', buf: 'a', value: 1 }, { op: 'fork', child: 'q' }, { op: 'load', buf: 'a' }] }, { name: 'b', ops: [{ op: 'compact' }] }] }",
    "{ name: 's', setup: [{ op: 'mmap', buf: 'a', pages: 8, kind: 'anon-private', prot: 'rw' }, { op: 'open_dev', dev: 0 }], threads: [{ name: 'a', ops: [{ op: 'pin', buf: 'a', id: 0, via: 'gup', write: 1 }, { op: 'unpin', id: 0 }] }, { name: 'b', ops: [{ op: 'migrate_to_dev', dev: 0, buf: 'a' }] }] }",
    "{ name: 'm', mixes: [{ mm: 3, chaos: 1 }] }",
    "{ name: 'd', pages: 512, mixes: [{ device: 1, mm: 1 }, { pin: 2, unpin: 2 }] }",
  ],
  build: [
    "(b) => { const m = b.mmap({ pages: 2 }); b.thread('a', (t) => t.unpin(t.pin(m, { write: true }))); b.thread('b', (t) => { t.store(m, 1); t.pageout(m) }) }",
    '() => {}',
    '() => H.fromCallback()',
    "(b) => b.thread('x', (t) => t.repeat(3, (r) => r.compact()))",
  ],
  words: ['new BigUint64Array(8)', '[1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]', 'new BigUint64Array(8).fill(2n ** 64n - 1n)'],
}
// race() takes a box, the settings of one, or a scenario.
const examplesOf: Readonly<Record<string, readonly string[]>> = {
  ...examples,
  on: [
    ...(examples.scenario as string[]),
    '{ pages: 64 }',
    "{ pages: 512, scheme: 'lru-overlay', order: 1, pageType: 'compound-head' }",
  ],
}

/** The parameters of a function, from its source. */
export function parametersOf(fn: (...args: never[]) => unknown): string[] {
  const text = Function.prototype.toString.call(fn)
  const open = text.indexOf('(')
  if (text.includes('[native code]') || open === -1) return Array.from({ length: fn.length }, (_, i) => `_${i}`)
  let depth = 0
  let parameters = ''
  for (let i = open; i < text.length; i++) {
    const letter = text[i] as string
    if ('([{'.includes(letter)) depth++
    if (')]}'.includes(letter) && --depth === 0) break
    if (depth === 1 && i > open) parameters += letter
  }
  return parameters
    .split(',')
    .map((parameter) => /^[\s.]*([\w$]+)/.exec(parameter)?.[1] ?? '')
    .filter((name) => name !== '')
}

/** Learns from the errors of calls what arguments functions want, and makes such arguments. */
export class Knowledge {
  readonly #functions: Record<string, Known>
  /** Leaves out what seems not to be needed: options contradict each other. */
  #thrift = false

  constructor(saved: Record<string, Known> = {}) {
    this.#functions = saved
  }

  toJSON(): Record<string, Known> {
    return this.#functions
  }

  known(key: string, fn: (...args: never[]) => unknown): Known {
    this.#functions[key] ??= { parameters: parametersOf(fn), places: {} }
    return this.#functions[key] as Known
  }

  learn(key: string, error: PageboxError): void {
    const { argument, allowed, given, code } = error
    const known = this.#functions[key]
    if (known === undefined || argument === undefined || allowed === undefined || argument === 'this') return
    if (code === 'ERR_PAGEBOX_OTHER_BOX') return
    const path = argument.replace(/\[\d+\]/g, '[]')
    if (code === 'ERR_PAGEBOX_OPTION_UNKNOWN') {
      const owner = path.slice(0, path.lastIndexOf('.'))
      const place = (known.places[owner] ??= {})
      place.keys = [...allowed.matchAll(/'([^']+)'/g)].map(([, name]) => name as string)
      return
    }
    const place = (known.places[path] ??= {})
    place.allowed = allowed
    if (given === 'undefined') place.required = true
  }

  /** Remembers arguments that were taken. `shapeOf` says what an object in them was. */
  succeed(key: string, args: string, shapeOf: (source: string) => string | undefined): void {
    const known = this.#functions[key]
    if (known === undefined) return
    const general = args.replace(/\bo\[\d+\](?:\[\d+\])?/g, (source) => `‹${shapeOf(source) ?? ''}›`)
    if (general.includes('‹›') || general.length > 400) return
    const taken = (known.taken ??= [])
    if (taken.includes(general)) return
    taken.push(general)
    // The shortest last: what little it takes.
    if (taken.length > mostTaken) taken.splice(taken.length >> 1, 1)
  }

  /** Arguments as they were once taken, with objects of now. */
  #again({ taken }: Known, random: Random, find: Find): string | undefined {
    if (taken === undefined || taken.length === 0) return undefined
    let complete = true
    const source = random.pick(taken).replace(/‹([^›]*)›/g, (_, shape: string) => {
      const found = find(new RegExp(`^${shape.replace(/[^\w]/g, '\\$&')}$`))
      complete &&= found !== undefined
      return found ?? ''
    })
    return complete ? source : undefined
  }

  /** Source text of arguments: mostly what is allowed, as far as that is known; now and then one bad value. */
  args(key: string, fn: (...args: never[]) => unknown, random: Random, find: Find): string[] {
    const known = this.known(key, fn)
    const again = random.chance(0.5) ? this.#again(known, random, find) : undefined
    if (again !== undefined) return [again]
    this.#thrift = random.chance(0.5)
    const spoiled = random.chance(0.3)
    const roots = this.#roots(known)
    const args = known.parameters.map((name, i) => this.#value(known, roots[i] ?? name, name, random, find, 0))
    while (args.length > 0 && args.at(-1) === 'undefined') args.pop()
    if (!spoiled) return args
    // A bad value in place of one argument, or one too many.
    const at = random.int(0, args.length)
    args[at] = random.pick(badSources)
    return args
  }

  /** Which root of the known paths is which parameter: errors say `options` where a parameter is `settings`. */
  #roots({ parameters, places }: Known): string[] {
    const roots = [...new Set(Object.keys(places).map((path) => path.split(/[.[]/)[0] as string))]
    const strangers = roots.filter((root) => !parameters.includes(root))
    const result = [...parameters]
    // The options come last.
    for (let i = result.length - 1; i >= 0 && strangers.length > 0; i--)
      if (!roots.includes(result[i] as string)) result[i] = strangers.pop() as string
    return result
  }

  #value(known: Known, path: string, name: string, random: Random, find: Find, depth: number): string {
    const place = known.places[path]
    if (examplesOf[name] !== undefined && random.chance(0.85)) {
      const shape = name === 'on' ? /^Box$/ : /^pagebox\.scenario\(\)$/
      const existing = name !== 'words' && name !== 'build' && random.chance(0.4) ? find(shape) : undefined
      return existing ?? random.pick(examplesOf[name])
    }
    const keys = place?.keys ?? this.#children(known, path)
    // What some call has returned, in place of an object made up.
    if (place?.allowed !== undefined && keys.length > 0 && !place.allowed.includes('object') && random.chance(0.7)) {
      const made = allowedSource(random, { path, allowed: place.allowed }, find)
      if (made !== undefined) return made
    }
    if (keys.length > 0) return this.#object(known, path, keys, random, find, depth)
    if (place === undefined) {
      // Nothing known: what is wrong for everything teaches most.
      const draw = random.next()
      if (draw < 0.25) return 'undefined'
      if (draw < 0.5) return "Symbol('s')"
      if (draw < 0.6) return '{ zz: 1 }'
      if (draw < 0.7) return String(random.int(0, 64))
      if (draw < 0.8) return `'n${random.int(0, 9)}'`
      return find(/./) ?? '{}'
    }
    if (place.allowed === undefined) return '{ zz: 1 }'
    if (!place.required && depth === 0 && random.chance(0.2)) return 'undefined'
    if (/an? (plain )?object/.test(place.allowed)) return random.chance(0.7) ? '{ zz: 1 }' : '{}'
    if (/an array/.test(place.allowed)) {
      const item = (): string => this.#value(known, `${path}[]`, name, random, find, depth + 1)
      return `[${Array.from({ length: random.int(0, 2) }, item).join(', ')}]`
    }
    return allowedSource(random, { path, allowed: place.allowed }, find) ?? find(/./) ?? '{}'
  }

  #likely(place: Place | undefined): number {
    if (place?.required) return this.#thrift ? 0.7 : 0.9
    if (this.#thrift) return 0.03
    return place === undefined ? 0.15 : 0.3
  }

  #children({ places }: Known, path: string): string[] {
    const prefix = `${path}.`
    return Object.keys(places)
      .filter((each) => each.startsWith(prefix))
      .map((each) => each.slice(prefix.length).split(/[.[]/)[0] as string)
  }

  #object(known: Known, path: string, keys: readonly string[], random: Random, find: Find, depth: number): string {
    const parts: string[] = []
    for (const key of new Set(keys)) {
      const place = known.places[`${path}.${key}`]
      if (key === 'signal') {
        // What runs long listens to it: a run that does not end after it hangs.
        parts.push(`signal: H.soon(${random.int(0, 150)})`)
        continue
      }
      if (!random.chance(this.#likely(place))) continue
      parts.push(`${key}: ${this.#value(known, `${path}.${key}`, key, random, find, depth + 1)}`)
    }
    if (random.chance(place0(known, path) ? 0.02 : 0.2)) parts.push('zz: 1')
    const object = `{ ${parts.join(', ')} }`
    if (parts.length === 0 || !random.chance(0.04)) return object
    const victim = find(/Array$/) ?? find(/./)
    const effect = victim === undefined ? '' : random.pick([`H.spoil(${victim})`, `${victim}?.close?.()`])
    return `H.sly(${object}, '${random.pick([...keys])}', () => { ${effect} })`
  }
}

const place0 = (known: Known, path: string): boolean => known.places[path]?.keys !== undefined
