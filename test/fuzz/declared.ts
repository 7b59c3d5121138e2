import * as pagebox from '../../lib/index.ts'
import type { Declared } from './declaredHelper.ts'
import type { Line, Program } from './program.ts'
import { Random } from './random.ts'
import { scenarioOf } from './scenarios.ts'

const protocols = ['add', 'flag-and-word', 'packed-word', 'list-overlay', 'external'] as const
const places = ['refcount', 'word', 'mapcount', 'counter', 'tail', 'side-table', 'sharded'] as const

const limits = ['refuse', 'saturate', 'spill'] as const
const events = ['pin', 'first-pin', 'full', 'isolate', 'unpin', 'last-unpin', 'not-full', 'putback'] as const

function schemeOf(random: Random): Declared['scheme'] {
  if (random.chance(0.15)) return random.pick(pagebox.schemes.names.filter((name) => pagebox.schemes.get(name).builtin))
  const flag = () => ({
    word: random.pick([0, 0, 0, random.int(0, 5)]),
    bit: random.chance(0.4) ? ('lowest-free' as const) : random.int(0, 63),
  })
  const maybe = <Value>(chance: number, key: string, value: () => Value) =>
    random.chance(chance) ? { [key]: value() } : {}
  const protocol = random.pick(protocols)
  // What mostly goes together, so that not all are refused.
  const place =
    protocol === 'add'
      ? random.pick(['refcount', 'word', 'mapcount', 'counter', 'tail'] as const)
      : protocol === 'external'
        ? random.pick(['side-table', 'sharded'] as const)
        : random.chance(0.8)
          ? ('word' as const)
          : random.pick(places)
  return {
    name: 'own',
    protocol,
    ...(random.chance(0.9) ? { place } : {}),
    ...maybe(place === 'word' ? 0.95 : 0.1, 'countWord', () => random.pick([0, random.int(1, 5), random.int(1, 5)])),
    ...maybe(0.3, 'countShift', () => random.pick(['lowest-free' as const, 0, 1, 2, 8, 16, 31, 32, 33, 48, 63])),
    ...maybe(0.5, 'countBits', () => random.pick([1, 2, 8, 16, 24, 30, 31, 32, 33, 48, 62, 63, 64])),
    ...maybe(protocol === 'packed-word' ? 0.6 : 0.05, 'packedBits', () => random.pick([32, 64] as const)),
    ...maybe(protocol === 'add' || protocol === 'external' ? 0.1 : 0.9, 'pinned', flag),
    ...maybe(protocol === 'list-overlay' ? 0.9 : 0.2, 'wasLru', flag),
    ...maybe(protocol === 'packed-word' ? 0.6 : 0.05, 'atLimit', () => random.pick(limits)),
    ...maybe(protocol === 'packed-word' ? 0.5 : 0.05, 'states', () => [
      { name: 'a', bit: flag().bit, set: random.pick(events), clear: random.pick(events) },
      { name: random.pick(['b', 'b', 'a']), bit: flag().bit, set: random.pick(events) },
    ]),
    ...maybe(0.2, 'refsPerPin', () => random.pick([1, 2, 16, 1023, 1024, 65536, 2 ** 20])),
    ...maybe(0.2, 'types', () => [random.pick(pagebox.pageTypes), random.pick(pagebox.pageTypes)]),
  }
}

function editOf(random: Random, bytes: number): Declared['edits'][number] {
  const which = random.int(0, 99)
  switch (random.int(0, 8)) {
    case 0:
      return ['drop-field', which]
    case 1:
      return ['drop-flag', which]
    case 2:
      return ['flag', which, random.int(0, 63)]
    case 3:
      return ['move', which, random.int(0, 15) * random.pick([4, 8])]
    case 4:
      return ['narrow', which, random.pick([1, 8, 16, 31, 32, 63, 64])]
    case 5:
      return ['era', 'anonExclusive', random.chance(0.5)]
    case 6:
      return ['era', random.pick(['zoneDeviceBase', 'privateBase']), random.int(0, 1)]
    case 7:
      return ['strideBytes', bytes * random.pick([4, 7, 8, 10, 16])]
    default:
      return [random.pick(['mapcountOffsetBytes', 'refcountOffsetBytes']), random.int(0, 15) * 4]
  }
}

/** Declares random schemes on layouts that are built in, or edits of such, and runs them on every engine. */
export async function fuzzDeclared(program: Program, seed: number, lines: number, until: number): Promise<void> {
  const random = new Random(seed)
  const builtin = pagebox.layouts.list().filter((layout) => layout.builtin)
  for (let i = 0; i < lines && Date.now() < until; i++) {
    const { name: base, wordBytes } = random.pick(builtin)
    const edits = random.chance(0.5) ? [] : Array.from({ length: random.int(1, 2) }, () => editOf(random, wordBytes))
    const scenario = scenarioOf(random) as unknown as pagebox.Scenario
    const spec: Declared = { base, edits, scheme: schemeOf(random), scenario, seed: random.int(0, 9999) }
    const line: Line = { source: `H.declared(P, ${JSON.stringify(spec)})`, waits: true }
    const result = await program.run(line)
    if (result !== undefined && 'error' in result) program.judge(result.error, line)
  }
}
