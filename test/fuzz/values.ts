import type { Random } from './random.ts'

/** Numbers that bound work: a large one that is allowed would take the fuzzer's time, and no fault of anybody's. */
const costly = /(pages|ops|samples|schedules|rounds|seconds|hours|ms|threads|fibers|firstRun|shards|folios|order)$/i
const mostOf = (name: string): number => {
  if (/(threads|fibers)$/i.test(name)) return 4
  if (/seconds$/i.test(name)) return 0.2
  if (/(samples|schedules|rounds)$/i.test(name)) return 30
  return 4096
}

/** What a value is made for: its place in the arguments, and what an error said is allowed there. */
export interface Wanted {
  readonly path: string
  readonly allowed: string
}

/** Objects that exist, by the name of their shape. */
export type Find = (shape: RegExp) => string | undefined

function integerFor(random: Random, { path, allowed }: Wanted, min: number, max: number): string {
  const name = path.replace(/\[\]$/, '').split('.').at(-1) ?? ''
  const edge = random.next()
  if (edge < 0.04) return String(min - 1)
  if (edge < 0.08) return `${max} + 1`
  if (edge < 0.14 && !costly.test(name)) return String(max - random.int(0, 1))
  const top = costly.test(name) ? Math.min(max, mostOf(name)) : max
  if (edge < 0.2 && !costly.test(name)) return String(random.int(min, top))
  if (/multiple of (\d+)/.test(allowed)) return String(4096 * random.int(0, 64))
  if (costly.test(name) && top >= 4096) return String(random.pick([1, 2, 4, 16, 64, 100, 256, 512, 513, 1024, 4096]))
  return String(random.int(min, Math.min(top, min + random.pick([1, 3, 15, 63]))))
}

const names = (allowed: string): string[] => [...allowed.matchAll(/'([^']+)'/g)].map(([, name]) => name as string)

/**
 * Source text of a value that the words of an error allow. Undefined: the words say nothing that is understood here.
 * What it gives need not be right; it is often near.
 */
export function allowedSource(random: Random, wanted: Wanted, find: Find): string | undefined {
  const { path, allowed } = wanted
  const mapping = /address$/i.test(path) ? find(/^Mapping$/) : undefined
  if (mapping !== undefined && random.chance(0.8)) return `${mapping}.address`
  const range = / from (-?\d+) to (2\^64-1|\d+)/.exec(allowed)
  if (range !== null) {
    const max = range[2] === '2^64-1' ? Number.MAX_SAFE_INTEGER : Number(range[2])
    return integerFor(random, wanted, Number(range[1]), max)
  }
  if (/number above 0/.test(allowed)) return random.pick(['0.01', '0.05', '1e-9'])
  if (/true or false/.test(allowed)) return random.pick(['true', 'false'])
  if (/AbortSignal/.test(allowed)) return `H.soon(${random.int(0, 200)})`
  const array = /\b(\w+(?:8|16|32|64)Array)(?: of length (\d+))?/.exec(allowed)
  if (array !== null) return typedArrayFor(random, array[1] as string, array[2], find)
  if (/a function/.test(allowed)) {
    const object = find(/./)
    const closing = object === undefined ? '() => {}' : `() => { ${object}?.close?.() }`
    return random.pick(['() => {}', 'async () => {}', closing, '() => H.fromCallback()'])
  }
  for (const [words, shape] of [
    [/address space/, /^Mm$/],
    [/a mapping/, /^Mapping$/],
    [/a file|createFile/, /File$/],
    [/token/, /token\(\)$/],
    [/\bbox\b/i, /^Box$/],
    [/device/, /^(Device|DaxDevice|P2pdma)$/],
  ] as const)
    if (words.test(allowed) && names(allowed).length === 0) {
      const found = find(shape)
      if (found !== undefined) return found
    }
  const quoted = names(allowed)
  if (quoted.length > 0) return JSON.stringify(random.pick(quoted))
  const bytes = /(\d+) bytes, or (\d+) words/.exec(allowed)
  if (bytes !== null) return `new BigUint64Array(${bytes[2]})`
  if (/pages of (\d+) bytes/.test(allowed)) return `new Uint8Array(4096 * ${random.int(1, 4)})`
  if (/multiple of (\d+)/.test(allowed)) return `${4096 * random.int(0, 1 << 20)}`
  if (/path of a file/.test(allowed)) return "'/dev/null'"
  if (/string|name/.test(allowed)) return `'n${random.int(0, 99)}'`
  if (/^[\w, -]+$/.test(allowed) && allowed.includes(', ')) return JSON.stringify(random.pick(allowed.split(', ')))
  if (/number of pages/.test(allowed) || /page/.test(path)) return String(random.int(0, 64))
  return undefined
}

function typedArrayFor(random: Random, name: string, length: string | undefined, find: Find): string {
  const existing = find(new RegExp(`^${name}$`))
  if (existing !== undefined && length === undefined && random.chance(0.5)) return existing
  const kind = /^(Big)?(Uint|Int)\d+Array$/.test(name) ? name : 'Uint8Array'
  if (length !== undefined && Number(length) < 1 << 22) return `new ${kind}(${length})`
  if (random.chance(0.1)) return `H.resizable('${kind}', 4)`
  if (random.chance(0.05)) return `H.shared('${kind}', 4)`
  const big = kind.startsWith('Big') ? 'n' : ''
  const items = Array.from({ length: random.int(0, 6) }, () => `${random.int(0, 40)}${big}`)
  return kind === 'Uint8Array' ? `new Uint8Array(4096 * ${random.int(0, 4)})` : `new ${kind}([${items.join(', ')}])`
}
