import { InvalidArgumentError } from 'commander'
import { nearest } from '../base/nearest.ts'
import { UsageError } from './failure.ts'

// Parsers of option values: what they throw becomes one line and exit code 2.

export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^[+-]?(0x[\da-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`)
    }
    return value
  }
}

export function positive(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Give a number above 0.')
  return value
}

export const names = (text: string): string[] => {
  const list = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (list.length === 0) throw new InvalidArgumentError('Give names separated by commas.')
  return list
}

export function integers(least: number, most: number): (text: string) => number[] {
  const one = integer(least, most)
  return (text) => [...new Set(names(text).map(one))]
}

/** The one with that name, or an error that offers the nearest. */
export function pick<T extends { name: string }>(all: readonly T[], name: string, kind: string): T {
  const found = all.find((each) => each.name === name)
  if (found !== undefined) return found
  const near = nearest(
    all.map((each) => each.name),
    name,
  )
  const offer = near === undefined ? '' : ` Did you mean ${near}?`
  throw new UsageError(
    `there is no ${kind} ${JSON.stringify(name)}.${offer} There are: ${all.map((each) => each.name).join(', ')}`,
  )
}

export const pickMany = <T extends { name: string }>(
  all: readonly T[],
  wanted: readonly string[] | undefined,
  kind: string,
): T[] => (wanted === undefined ? [...all] : [...new Set(wanted)].map((name) => pick(all, name, kind)))

/** `10%` or `0.1`. */
export function share(text: string): number {
  const [, digits, percent] = /^([0-9]+(?:[.][0-9]+)?)(%?)$/.exec(text.trim()) ?? []
  const value = Number(digits) / (percent === '%' ? 100 : 1)
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('Not a share: 0 to 1, or 0% to 100%.')
  return value
}

export function mix(text: string): Record<string, number> {
  const weights: Record<string, number> = {}
  for (const part of text.split(',')) {
    const [op, weight, ...rest] = part.split('=').map((each) => each.trim())
    const value = Number(weight)
    if (!op || weight === undefined || weight === '' || rest.length > 0 || !(value >= 0) || !Number.isInteger(value)) {
      throw new InvalidArgumentError(`"${part}" is not of the form op=weight with a whole weight.`)
    }
    weights[op] = value
  }
  return weights
}

/** `3/7`; the room that runs it says the same of its limits. */
export function shard(text: string): { index: number; of: number } {
  const [, index = '', of = ''] = /^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? []
  const found = { index: Number(index), of: Number(of) }
  if (!(found.of >= 1 && found.of <= 1_000_000 && found.index >= 1 && found.index <= found.of))
    throw new InvalidArgumentError('Give I/N, with N from 1 to 1000000 and I from 1 to N: 3/7.')
  return found
}
