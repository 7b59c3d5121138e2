import type { Interval } from './interval.ts'

/** Three digits that count, without exponents: 0.94, 12.3, 1234. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return value.toFixed(2)
}

export function bytes(size: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let rest = size
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024
    unit++
  }
  return `${Number.isInteger(rest) ? rest : rest.toFixed(1)} ${units[unit]}`
}

export const range = (value: Interval): string =>
  `${digits(value.median)} (${digits(value.low)} to ${digits(value.high)})`

/** 2097151 as "2^21-1": the form in which the limits are argued about. */
export function count(value: number | string | null): string {
  if (value === null) return 'unbounded'
  const exact = BigInt(value)
  for (let power = 8n; power <= 64n; power++) {
    if (exact === 1n << power) return `2^${power}`
    if (exact === (1n << power) - 1n) return `2^${power}-1`
  }
  return String(value)
}
