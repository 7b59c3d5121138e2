import { helpers } from './fuzz/helpers.ts'

/**
 * Values of no use to an argument, as source text that may use the helpers of the fuzzer as `H`: wrong everywhere,
 * wrong for a count or a pfn though others take it, or something that an argument should look at twice.
 */
const table: readonly (readonly [source: string, wrong?: 'everywhere' | 'as a number', name?: string])[] = [
  ['NaN', 'everywhere'],
  ['1.5', 'everywhere', 'a fraction'],
  ['-1', 'everywhere', 'a negative'],
  ['-0'],
  ['Infinity', 'everywhere'],
  ['2 ** 31'],
  ['2 ** 32', 'as a number', '2^32'],
  ['2 ** 32 - 1'],
  ['2 ** 53', 'everywhere', '2^53'],
  ['1e300', 'everywhere'],
  ['-5n', 'everywhere', 'a bigint'],
  ['1n << 63n'],
  ['1n << 70n', 'everywhere', 'a huge bigint'],
  ["'no such thing'", 'everywhere', 'a string'],
  ["''", 'everywhere', 'an empty string'],
  ["'1'", 'everywhere', 'a number as text'],
  ["'\\u001b[31m\\0'"],
  ["'x'.repeat(100000)"],
  ['null', 'everywhere'],
  ['undefined'],
  ['true', 'as a number'],
  ["Symbol('s')", 'everywhere', 'a symbol'],
  ['[]'],
  ['[1]', 'everywhere', 'an array'],
  ['[[[]]]'],
  ['[,]'],
  ['{}', 'as a number', 'an empty object'],
  ['{ __proto__: null }'],
  ['{ constructor: 1, length: -1 }'],
  ['() => 1', 'as a number', 'a function'],
  ['function () { throw this }'],
  ['class {}'],
  ['new Date(NaN)'],
  ['/x/'],
  ['new Map()'],
  ['Promise.resolve(1)'],
  ['new Proxy({}, {})'],
  ['new Proxy([], { get: () => -1 })'],
  ['globalThis'],
  ['new Float64Array(2)', 'everywhere', 'a Float64Array'],
  ['new Uint8Array(0)'],
  ['new Uint8Array(4095)'],
  ['new Int32Array(3)'],
  ['new DataView(new ArrayBuffer(8))'],
  ['new ArrayBuffer(8)'],
  ['new SharedArrayBuffer(8)'],
  ['H.throwing()', 'everywhere', 'an object that throws'],
  ['H.revoked()', 'everywhere', 'a revoked proxy'],
  ['H.detached()', 'everywhere', 'a detached array'],
  ['H.outOfBounds()'],
  ['H.endless()'],
  ["H.liar('Uint32Array')"],
  ["H.liar('BigUint64Array')"],
  ["H.liar('Uint8Array')"],
  ['H.aborted()'],
]

/** All of them, as the fuzzer writes them down. */
export const badSources: readonly string[] = table.map(([source]) => source)

/** One of them, with a name for the test. */
export interface BadValue {
  readonly name: string
  readonly value: unknown
}

const thoseThatAre = (wanted: 'everywhere' | 'as a number'): readonly BadValue[] =>
  table.flatMap(([source, wrong, name]) =>
    wrong === wanted ? [{ name: name ?? source, value: new Function('H', `return (${source})`)(helpers) }] : [],
  )

/** Wrong for every argument, whatever its type. */
export const wrongEverywhere: readonly BadValue[] = thoseThatAre('everywhere')

/** Wrong for a count or a pfn, though a number that other arguments take. */
export const wrongNumbers: readonly BadValue[] = thoseThatAre('as a number')
