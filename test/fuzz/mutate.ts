import type { Random } from './random.ts'

const scalars: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e9,
  1e12,
  2 ** 53,
  1e308,
  '',
  'x',
  '\u001b[31m',
  '__proto__',
  '\u0000',
  [],
  {},
  'a'.repeat(10_000),
]

/** Changes one place of a JSON value: gone, another, twice, elsewhere, deeper. */
export function mutate(random: Random, value: unknown): unknown {
  const copy = structuredClone(value)
  const places: [Record<string, unknown> | unknown[], string | number][] = []
  const collect = (at: unknown): void => {
    if (typeof at !== 'object' || at === null) return
    for (const key of Object.keys(at)) {
      places.push([at as Record<string, unknown>, Array.isArray(at) ? Number(key) : key])
      collect((at as Record<string, unknown>)[key])
    }
  }
  collect(copy)
  if (places.length === 0) return random.pick(scalars)
  const [owner, key] = random.pick(places)
  const [other, otherKey] = random.pick(places)
  const read = (from: object, name: string | number): unknown => (from as Record<string | number, unknown>)[name]
  const write = (to: object, name: string | number, what: unknown): void => {
    ;(to as Record<string | number, unknown>)[name] = what
  }
  const old = read(owner, key)
  switch (random.int(0, 7)) {
    case 0:
      if (Array.isArray(owner)) owner.splice(Number(key), 1)
      else delete owner[key as string]
      break
    case 1:
    case 2:
      write(owner, key, random.pick(scalars))
      break
    case 3:
      write(owner, key, structuredClone(read(other, otherKey)))
      break
    case 4:
      if (Array.isArray(owner)) owner.splice(Number(key), 0, structuredClone(old))
      else owner[`${key}x`] = old
      break
    case 5:
      write(owner, key, typeof old === 'number' ? old * random.pick([-1, 2, 10, 1e6, 0.5]) : String(old))
      break
    case 6:
      // A list of operations once more, around itself.
      write(owner, key, Array.isArray(old) ? [{ op: 'repeat', n: random.pick([2, 1e3, 1e9]), ops: old }] : [old])
      break
    default: {
      let deep: unknown = old
      for (let i = random.pick([3, 100, 3000]); i > 0; i--)
        deep = random.chance(0.5) ? [deep] : { op: 'repeat', n: 2, ops: [deep] }
      write(owner, key, deep)
    }
  }
  return copy
}

/** Damages text: cut, doubled, a character changed. */
export function damage(random: Random, text: string): string {
  const at = random.int(0, text.length)
  switch (random.int(0, 4)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(at)
    case 2:
      return (
        text.slice(0, at) + random.pick(['\0', '"', '{', '}', ',', '\n', '\ufeff', '💥', '\\', '9']) + text.slice(at)
      )
    case 3:
      return text + text
    default:
      return `${'['.repeat(random.pick([10, 1000, 100_000]))}${text}`
  }
}
