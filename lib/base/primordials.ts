/*
 * Built-ins as they were when pagebox was loaded. What runs on values that a caller handed in uses
 * these, so that a changed prototype or a getter cannot run code between a check and its use.
 */
const { apply, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect

function getterOf<Result>(prototype: object, key: PropertyKey): (value: unknown) => Result {
  const get = getOwnPropertyDescriptor(prototype, key)?.get as () => Result
  return (value) => apply(get, value, [])
}

const typedArrayPrototype = getPrototypeOf(Uint8Array.prototype) as object

/** `'Uint32Array'`, or undefined for what is no typed array. Runs no code of the caller. */
export const typedArrayName = getterOf<string | undefined>(typedArrayPrototype, Symbol.toStringTag)
/** 0 for one that has lost its memory. */
export const typedArrayLength = getterOf<number>(typedArrayPrototype, 'length')
export const typedArrayBuffer = getterOf<ArrayBufferLike>(typedArrayPrototype, 'buffer')
const typedArrayOffset = getterOf<number>(typedArrayPrototype, 'byteOffset')

const firstElement = getOwnPropertyDescriptor(typedArrayPrototype, 'at')?.value as (index: number) => unknown
/** Whether its buffer was transferred away, or has shrunk so far that the array lies outside of it. */
export function hasLostMemory(value: object): boolean {
  try {
    apply(firstElement, value, [0])
    return false
  } catch {
    return true
  }
}

const kinds = { Uint8Array, Uint32Array, Int32Array, BigUint64Array } as const
export type ArrayKind = keyof typeof kinds

/** The same memory without what a subclass or an own property of `value` says about it. */
export function plainView<Kind extends ArrayKind>(value: object, kind: Kind): InstanceType<(typeof globalThis)[Kind]> {
  const View = kinds[kind] as Uint8ArrayConstructor
  const view: unknown = new View(typedArrayBuffer(value), typedArrayOffset(value), typedArrayLength(value))
  return view as InstanceType<(typeof globalThis)[Kind]>
}

const sharedLength = getterOf<number>(SharedArrayBuffer.prototype, 'byteLength')
export function isShared(buffer: ArrayBufferLike): boolean {
  try {
    sharedLength(buffer)
    return true
  } catch {
    return false
  }
}

const arrayIsArray = Array.isArray
/** As `Array.isArray`, but false for a revoked proxy. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return arrayIsArray(value)
  } catch {
    return false
  }
}

export const isInteger = Number.isInteger
export const hasOwn = Object.hasOwn
export const freeze = Object.freeze
export const keysOf = ownKeys
export const propertyOf = getOwnPropertyDescriptor
export const now: () => number = performance.now.bind(performance)

/** Throws for what is no AbortSignal. */
export const isAborted = getterOf<boolean>(AbortSignal.prototype, 'aborted')
export const abortReason = getterOf<unknown>(AbortSignal.prototype, 'reason')
const { addEventListener, removeEventListener } = EventTarget.prototype
/** Returns the way to stop listening. */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
  apply(addEventListener, signal, ['abort', call])
  return () => apply(removeEventListener, signal, ['abort', call])
}
