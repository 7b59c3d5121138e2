import { z } from 'zod'

/** Of a foreign document: nothing in it is larger than anything of ours. */
export const text = z.string().max(100_000)
export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
export const seconds = z.number().min(0).max(1e12)
export const big = z.strictObject({ $big: z.string().regex(/^-?\d{1,40}$/) })
export const share = z.number().min(0).max(1)
/** Any JSON, of a scenario and the like, which its own reader checks. */
export const json: z.ZodType<unknown> = z.json()
export const token = z.string().regex(/^[\w-]{1,4000000}$/)
export const token64 = z
  .string()
  .regex(/^[A-Za-z0-9+/]*={0,2}$/)
  .max(2 ** 21)
/** Counts by name. */
export const counts = z.record(z.string().max(200), count)
export const row = z.strictObject({
  invariant: text,
  place: z.union([
    z.strictObject({ kind: z.literal('page'), pfn: z.number() }),
    z.strictObject({ kind: z.literal('swap-slot'), slot: z.number() }),
    z.strictObject({ kind: z.literal('address'), address: big, process: z.number() }),
    z.strictObject({ kind: z.literal('list'), list: text }),
    z.strictObject({ kind: z.literal('nowhere') }),
  ]),
  pfn: z.number().int(),
  field: text,
  expected: big,
  found: big,
  explanation: text,
})
