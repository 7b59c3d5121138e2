import { integer, oneOf } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import type { NativeBox } from '../native/binding.ts'
import { badPfn, errnoName, isBadFirst, refusal } from '../native/status.ts'
import { tables } from '../native/tables.ts'
import type { Lru, LruKind } from './lru.ts'

const defaultLimit = 1 << 20

/** The LRU lists of one box, as plain functions. */
export function boundLru(native: NativeBox): Lru {
  function fail(call: string, status: number, pfn: unknown): never {
    if (isBadFirst(status)) throw badPfn(pfn, 'pfn', native.pfnLimit())
    if (errnoName(status) === 'EINVAL')
      throw new PageboxError('ERR_PAGEBOX_REFUSED', `${call}: nobody has isolated page ${pfn}`, {
        argument: 'pfn',
        given: `page ${pfn}`,
        allowed: 'a page that isolate() took off its list',
        errno: 'EINVAL',
      })
    throw refusal(status, call, `page ${pfn}`)
  }

  return Object.freeze({
    isolate(pfn: number): boolean {
      const answer = native.isolate(pfn)
      return typeof answer === 'boolean' ? answer : fail('isolate', answer, pfn)
    },
    putback(pfn: number): void {
      const status = native.putback(pfn)
      if (status !== undefined) fail('putback', status, pfn)
    },
    list(kind: LruKind, limit?: number): Uint32Array {
      const name = oneOf(kind, 'kind', tables().lruKinds)
      const most = limit === undefined ? defaultLimit : integer(limit, 'limit', 0, 2 ** 32)
      const found = native.lruList(name, most)
      if (typeof found === 'number') throw refusal(found, 'list', 'the box')
      if (found.corrupt) {
        const { pfns } = found
        throw new PageboxError(
          'ERR_PAGEBOX_CORRUPT',
          `list: a link behind page ${pfns.at(-1) ?? 'none'} is no list pointer`,
          {
            argument: `${name} after ${pfns.length} pages`,
            errno: 'EFAULT',
          },
        )
      }
      return found.pfns
    },
    drain(): void {
      const status = native.drainLru()
      // A box without a machine has no batches.
      if (status !== undefined && errnoName(status) !== 'EBADF') throw refusal(status, 'drain', 'the box')
    },
    get lengths(): Readonly<Record<LruKind, number>> {
      const found = native.lruLengths()
      if (typeof found === 'number') throw refusal(found, 'lengths', 'the box')
      return Object.freeze(Object.fromEntries(tables().lruKinds.map((kind, i) => [kind, found[i] ?? 0]))) as Readonly<
        Record<LruKind, number>
      >
    },
  })
}
