import { randomBytes } from 'node:crypto'

/** Of what stands in the queue; another number is another pagebox. */
export const queueFormat = 1

/** Keys of a fleet. Those of BullMQ begin with {@link bullPrefix} and the run's id. */
export const keys = {
  format: 'pagebox:format',
  /** Every run by its time of filing. */
  runs: 'pagebox:runs',
  /** Runs that have shards to do. */
  active: 'pagebox:active',
  /** Workers by their ids. */
  workers: 'pagebox:workers',
  run: (id: string) => `pagebox:run:${id}`,
  results: (id: string) => `pagebox:run:${id}:results`,
  /** Shards that were set aside. */
  aside: (id: string) => `pagebox:run:${id}:aside`,
  /** Processes that ended in a shard, by shard. */
  losses: (id: string) => `pagebox:run:${id}:losses`,
  findings: (id: string) => `pagebox:run:${id}:findings`,
  /** Workers that do not do this run, and why. */
  refused: (id: string) => `pagebox:run:${id}:refused`,
  coordinator: (id: string) => `pagebox:run:${id}:coordinator`,
} as const

export const bullPrefix = 'pagebox:queue'

const letters = 'abcdefghjkmnpqrstuvwxyz23456789'

/** Ids are typed by people: short, and without signs that look like others. */
export function newId(length = 8): string {
  let id = ''
  while (id.length < length) {
    const byte = randomBytes(1)[0] as number
    if (byte < Math.floor(256 / letters.length) * letters.length) id += letters[byte % letters.length]
  }
  return id
}

export const isRunId = (text: string): boolean => /^[a-z0-9]{4,16}$/.test(text)

export const jobName = 'shard'
/** BullMQ takes no numbers as ids. A shard that is tried again gets another one, behind all others. */
export const jobIdOf = (shard: number, again = 0): string => (again === 0 ? `s${shard}` : `s${shard}.${again}`)
