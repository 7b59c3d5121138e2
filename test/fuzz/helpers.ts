/**
 * What the lines of a program may use, as `H`. Each is written so that its source alone works: a finding is printed
 * as a script that holds the ones it needs.
 */
export const helpers = {
  throwing(): object {
    const say = (what: string) => (): never => {
      throw new Error(`${what} ran`)
    }
    return Object.defineProperties(
      { valueOf: say('valueOf'), toString: say('toString'), [Symbol.toPrimitive]: say('toPrimitive') },
      { length: { get: say('length'), enumerable: true }, pages: { get: say('pages'), enumerable: true } },
    )
  },
  revoked(): object {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  detached(): Uint32Array {
    const array = new Uint32Array(4)
    structuredClone(array.buffer, { transfer: [array.buffer] })
    return array
  },
  /** A view that the shrinking of its buffer has left outside. */
  outOfBounds(): BigUint64Array {
    type Resizable = ArrayBuffer & { resize(bytes: number): void }
    const buffer = new (ArrayBuffer as unknown as new (n: number, o: object) => Resizable)(64, { maxByteLength: 128 })
    const view = new BigUint64Array(buffer, 32, 4)
    buffer.resize(16)
    return view
  },
  /** A typed array that lies about its length and never stops to iterate. */
  liar(name: string): object {
    const kind = (globalThis as unknown as Record<string, new (n: number) => Uint8Array<ArrayBuffer>>)[name] as new (
      n: number,
    ) => Uint8Array
    class Liar extends kind {
      override get length(): number {
        return 2 ** 30
      }
      override *[Symbol.iterator](): Generator<never> {
        for (;;) yield 0 as never
      }
    }
    return new Liar(8)
  },
  resizable(name: string, length: number): object {
    const kind = (globalThis as unknown as Record<string, new (b: ArrayBuffer) => object>)[name] as new (
      b: ArrayBuffer,
    ) => object
    const buffer = new (ArrayBuffer as unknown as new (n: number, o: object) => ArrayBuffer)(length * 8, {
      maxByteLength: 4096,
    })
    return new kind(buffer)
  },
  shared(name: string, length: number): object {
    const kind = (globalThis as unknown as Record<string, new (b: SharedArrayBuffer) => object>)[name] as new (
      b: SharedArrayBuffer,
    ) => object
    return new kind(new SharedArrayBuffer(length * 8))
  },
  /** Takes the memory of a typed array away, or some of it; does nothing to another value. */
  spoil(value: unknown): void {
    if (!ArrayBuffer.isView(value) || !(value.buffer instanceof ArrayBuffer)) return
    const buffer = value.buffer as ArrayBuffer & { resizable?: boolean; resize?(bytes: number): void }
    try {
      if (buffer.resizable) buffer.resize?.(8)
      else structuredClone(buffer, { transfer: [buffer] })
    } catch {
      // The buffers of direct windows refuse it.
    }
  },
  /** The object, with a getter in place of one property: something happens when it is read. */
  sly<Value extends object>(object: Value, key: string, effect: () => void): Value {
    const value = (object as Record<string, unknown>)[key]
    return Object.defineProperty(object, key, {
      enumerable: true,
      configurable: true,
      get() {
        effect()
        return value
      },
    })
  },
  endless(): object {
    return {
      length: Number.POSITIVE_INFINITY,
      *[Symbol.iterator]() {
        for (;;) yield 0n
      },
    }
  },
  /** What a callback of the caller's throws comes back to the caller as it is. */
  fromCallback(): never {
    throw Object.assign(new Error('thrown by the callback'), { fromCallback: true })
  },
  aborted: (): AbortSignal => AbortSignal.abort(),
  soon: (ms: number): AbortSignal => AbortSignal.timeout(ms),
}

export type Helpers = typeof helpers
