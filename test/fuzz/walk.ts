/** One thing to call or to read on an object, found by looking at it. */
export interface Member {
  /** Names it among all: `Box.prototype.pin`, `layouts.get`. */
  readonly key: string
  readonly name: PropertyKey
  readonly kind: 'call' | 'get' | 'construct'
}

const engines = new Set<unknown>(
  [Object, Array, Function, Map, Set, Promise, Error, Uint8Array, Date, RegExp, ArrayBuffer, BigInt, Number, String]
    .flatMap((kind) => [kind, kind.prototype])
    .concat([Object.getPrototypeOf(Uint8Array), Object.getPrototypeOf(Uint8Array.prototype)]),
)
for (const iterator of [
  [].values(),
  new Map().values(),
  new Set().values(),
  ''[Symbol.iterator](),
  (function* () {})(),
])
  for (let at: object | null = iterator; at !== null; at = Object.getPrototypeOf(at)) engines.add(at)

const isClass = (value: unknown): boolean =>
  typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))

/** An object that is there for its functions: `assertBox.not`. */
const holdsMembers = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).some((each) => typeof each === 'function')

/**
 * What a program can do with an object: every function, getter and class that it has itself or inherits from what is
 * not the engine's own. Nothing is listed by hand, so what is new is found.
 */
export function membersOf(object: object, shape: string): Member[] {
  const members = new Map<PropertyKey, Member>()
  for (let at: object | null = object; at !== null && !engines.has(at); at = Object.getPrototypeOf(at)) {
    if (ArrayBuffer.isView(at) || Array.isArray(at)) break
    for (const name of Reflect.ownKeys(at)) {
      if (members.has(name) || name === 'constructor' || (typeof object === 'function' && engineKeys.has(name)))
        continue
      const property = Object.getOwnPropertyDescriptor(at, name) as PropertyDescriptor
      const key = `${shape}.${String(name)}`
      if (property.get !== undefined) members.set(name, { key, name, kind: 'get' })
      else if (holdsMembers(property.value)) members.set(name, { key, name, kind: 'get' })
      else if (isClass(property.value)) members.set(name, { key, name, kind: 'construct' })
      else if (typeof property.value === 'function') members.set(name, { key, name, kind: 'call' })
    }
  }
  return [...members.values()]
}

const engineKeys = new Set<PropertyKey>(['length', 'name', 'prototype', 'arguments', 'caller'])

/** The name of an object's shape: its class, or where it came from. Undefined: nothing to call, nothing to pass on. */
export function shapeOf(value: unknown, from: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (value instanceof Promise || value instanceof Error) return undefined
  if (ArrayBuffer.isView(value)) return value.constructor.name
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype !== null && !engines.has(prototype)) return prototype.constructor.name || from
  return `${from}()`
}
