import { badArgument, options, typedArray } from '../base/args.ts'
import { isShared, typedArrayBuffer } from '../base/primordials.ts'
import { PageboxError } from '../errors.ts'
import type { NativeBox } from '../native/binding.ts'
import { badPfn, errnoName, isBadFirst, isBadSecond, isStop, refusal } from '../native/status.ts'
import { tables } from '../native/tables.ts'
import { openDirect } from './direct.ts'
import { type PageCalls, pageCalls } from './pageCalls.ts'
import type { BatchOptions, PinCount, Pins } from './pins.ts'

type OpName = 'pin' | 'pinReferenced' | 'unpin' | 'get' | 'put'

const allPins = (): string => `a number of pins or references from 1 to ${tables().limits.pins}`

/**
 * The pins of one box, as plain functions over the addon's own: no `this` and no wrapped object, so
 * that a single pin costs little more than a native call.
 */
export function boundPins(native: NativeBox): Pins {
  const calls = pageCalls()
  return over(native, native.number, calls, calls.pin, calls.unpin)
}

// What is called is taken off the objects once. What a pin and its unpin need, the hot ones, are arguments of their own: of
// a constant V8 asks at each call whether it has been set.
function over(
  native: NativeBox,
  box: number,
  { pinReferenced, get, put, maybePinned, pins }: PageCalls,
  pin: PageCalls['pin'],
  unpin: PageCalls['unpin'],
): Pins {
  const { pinMany, unpinMany } = native
  const times = {
    pin: native.pinTimes,
    pinReferenced: native.pinReferencedTimes,
    unpin: native.unpinTimes,
    get: native.getTimes,
    put: native.putTimes,
  }

  function fail(name: OpName | 'maybePinned' | 'pins', status: number, pfn: unknown, count: unknown): never {
    if (isBadFirst(status)) throw badPfn(pfn, 'pfn', native.pfnLimit())
    if (isBadSecond(status)) {
      const isNumber = typeof count === 'number'
      throw badArgument(isNumber ? 'ERR_PAGEBOX_ARG_RANGE' : 'ERR_PAGEBOX_ARG_TYPE', 'count', count, allPins())
    }
    // A slow GUP of a free page is refused as an overflow is; the words tell them apart.
    const isFree = errnoName(status) === 'ENOMEM' && name === 'pinReferenced' && isFreePage(pfn as number)
    throw refusal(isFree ? eagain : status, name, `page ${pfn}`)
  }

  function isFreePage(pfn: number): boolean {
    const head = native.headOf(pfn)
    return head >= 0 && native.typeOf(head) === 'free'
  }

  function many(name: 'pin' | 'unpin', pfns: Uint32Array, batch: BatchOptions | undefined): number {
    // The options first: a getter among them can change the buffers, and after a check nothing may.
    const given = batch === undefined ? undefined : options(batch, 'options', ['counts', 'out'] as const)
    let list = typedArray(pfns, 'pfns', 'Uint32Array')
    // What another thread can change between check and use is copied first.
    if (isShared(typedArrayBuffer(list))) list = new Uint32Array(list)
    const { length } = list
    let counts: Uint32Array | undefined
    if (given?.counts !== undefined) {
      counts = typedArray(given.counts, 'options.counts', 'Uint32Array', length)
      if (isShared(typedArrayBuffer(counts))) counts = new Uint32Array(counts)
    }
    const out = given?.out === undefined ? undefined : typedArray(given.out, 'options.out', 'Int32Array', length)
    const result = (name === 'pin' ? pinMany : unpinMany)(list, counts, out)
    if (result === undefined) return length
    if (typeof result === 'number') throw refusal(result, `${name}Many`, 'the box')
    if (!isStop(result)) return result.done
    const { index, status } = result
    const at = `pfns[${index}]`
    if (isBadFirst(status)) throw badPfn(list[index], at, native.pfnLimit())
    if (isBadSecond(status))
      throw badArgument('ERR_PAGEBOX_ARG_RANGE', `options.counts[${index}]`, counts?.[index], allPins())
    const error = refusal(status, `${name}Many`, `${at}: page ${list[index]}`)
    throw new PageboxError(error.code, error.message, { argument: at, errno: error.errno, index })
  }

  function counted(name: OpName, pfn: number, count: number): void {
    const status = times[name](pfn, count)
    if (status !== undefined) fail(name, status, pfn, count)
  }

  return Object.freeze({
    pin(pfn: number, count?: number): void {
      if (count === undefined) {
        const status = pin(pfn, box)
        if (status !== undefined) fail('pin', status, pfn, count)
      } else counted('pin', pfn, count)
    },
    tryPin(pfn: number): boolean {
      const status = pin(pfn, box)
      if (status === undefined) return true
      if (status > 0 && errnoName(status) === 'EAGAIN') return false
      return fail('pin', status, pfn, 1)
    },
    pinReferenced(pfn: number, count?: number): void {
      if (count === undefined) {
        const status = pinReferenced(pfn, box)
        if (status !== undefined) fail('pinReferenced', status, pfn, count)
      } else counted('pinReferenced', pfn, count)
    },
    unpin(pfn: number, count?: number): void {
      if (count === undefined) {
        const status = unpin(pfn, box)
        if (status !== undefined) fail('unpin', status, pfn, count)
      } else counted('unpin', pfn, count)
    },
    maybePinned(pfn: number): boolean {
      const answer = maybePinned(pfn, box)
      return typeof answer === 'boolean' ? answer : fail('maybePinned', answer, pfn, undefined)
    },
    pins(pfn: number): PinCount {
      const answer = pins(pfn, box)
      return typeof answer === 'object' ? answer : fail('pins', answer, pfn, undefined)
    },
    get(pfn: number, count?: number): void {
      if (count === undefined) {
        const status = get(pfn, box)
        if (status !== undefined) fail('get', status, pfn, count)
      } else counted('get', pfn, count)
    },
    put(pfn: number, count?: number): void {
      if (count === undefined) {
        const status = put(pfn, box)
        if (status !== undefined) fail('put', status, pfn, count)
      } else counted('put', pfn, count)
    },
    pinMany: (pfns: Uint32Array, batch?: BatchOptions) => many('pin', pfns, batch),
    unpinMany: (pfns: Uint32Array, batch?: BatchOptions) => many('unpin', pfns, batch),
    direct: () => openDirect(native),
  })
}

const eagain = 11
