import { describe } from '../base/describe.ts'
import { shardFault } from './fault.ts'
import { mostShards, type Shard } from './types.ts'

const allowed = `I/N is allowed, with N from 1 to ${mostShards} and I from 1 to N: 3/7`

/** `'3/7'`. @throws PageboxError `ERR_PAGEBOX_SHARD` */
export function parseShard(text: string): Shard {
  if (typeof text !== 'string') throw shardFault('shard', text, `${describe(text)} is none`, allowed)
  const [, index, of] = /^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? []
  if (index === undefined || of === undefined) throw shardFault('shard', text, `${describe(text)} is none`, allowed)
  return checkShard({ index: Number(index), of: Number(of) })
}

/** @throws PageboxError `ERR_PAGEBOX_SHARD` */
export function checkShard(value: unknown): Shard {
  const { index, of } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Shard>
  const isCount = (each: unknown, most: number): each is number =>
    typeof each === 'number' && Number.isInteger(each) && each >= 1 && each <= most
  if (!isCount(of, mostShards) || !isCount(index, of))
    throw shardFault('shard', value, `${describe(index)}/${describe(of)} is none`, allowed)
  return { index, of }
}

/** Which of so many things in a row are a shard's: from, up to but without. All shards together have each once. */
export function rangeOf(total: number, { index, of }: Shard): { from: number; to: number } {
  // Numbers of things may be large: no product of them is made.
  const at = (i: number): number => Math.floor(total / of) * i + Math.min(i, total % of)
  return { from: at(index - 1), to: at(index) }
}

/** Whether a thing of a row of unlike ones is a shard's. */
export const isOwn = (at: number, { index, of }: Shard): boolean => at % of === index - 1
