/** How a schedule can come out; a test holds them to what the explorer counts. */
export const outcomeNames = [
  'clean',
  'violation',
  'leak',
  'deadlock',
  'livelock',
  'limit',
  'data race',
  'use after free',
  'assertion',
] as const

/** How a schedule came out. */
export type Outcome = (typeof outcomeNames)[number]
