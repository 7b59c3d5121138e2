/** Values that no argument of pagebox takes, each with a name for the test. */
export interface BadValue {
  readonly name: string
  readonly value: unknown
}

const throwing = {
  valueOf(): never {
    throw new Error('valueOf ran')
  },
  toString(): never {
    throw new Error('toString ran')
  },
  [Symbol.toPrimitive](): never {
    throw new Error('toPrimitive ran')
  },
  get length(): never {
    throw new Error('length ran')
  },
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function detached(): Uint32Array {
  const array = new Uint32Array(4)
  structuredClone(array.buffer, { transfer: [array.buffer] })
  return array
}

/** Wrong for every argument, whatever its type. */
export const wrongEverywhere: readonly BadValue[] = [
  { name: 'NaN', value: Number.NaN },
  { name: 'a fraction', value: 1.5 },
  { name: 'a negative', value: -1 },
  { name: 'Infinity', value: Number.POSITIVE_INFINITY },
  { name: '2^53', value: 2 ** 53 },
  { name: '1e300', value: 1e300 },
  { name: 'a bigint', value: -5n },
  { name: 'a huge bigint', value: 1n << 70n },
  { name: 'a string', value: 'no such thing' },
  { name: 'an empty string', value: '' },
  { name: 'a number as text', value: '1' },
  { name: 'null', value: null },
  { name: 'a symbol', value: Symbol('s') },
  { name: 'an object that throws', value: throwing },
  { name: 'a revoked proxy', value: revoked() },
  { name: 'an array', value: [1] },
  { name: 'a Float64Array', value: new Float64Array(2) },
  { name: 'a detached array', value: detached() },
]

/** Wrong for a count or a pfn, though a number that other arguments take. */
export const wrongNumbers: readonly BadValue[] = [
  { name: '2^32', value: 2 ** 32 },
  { name: 'true', value: true },
  { name: 'an empty object', value: {} },
  { name: 'a function', value: () => 1 },
]
