import { z } from 'zod'

/** An estimate with its 95 % interval, in the unit of the field that holds it. */
export const interval = z.object({
  median: z.number(),
  low: z.number(),
  high: z.number(),
})
export type Interval = z.infer<typeof interval>

export const overlap = (a: Interval, b: Interval): boolean => a.low <= b.high && b.low <= a.high
