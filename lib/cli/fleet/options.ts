import type { Command } from 'commander'
import type { Store } from '../../fleet/store.ts'
import type { Io } from '../io.ts'
import { integer } from '../parse.ts'
import { foreignLines } from '../text/foreign.ts'

export interface QueueOptions {
  queue?: string
  queuePasswordFile?: string
  wait?: number
}

export const addQueueOptions = (command: Command): Command =>
  command
    .option('--queue <address>', 'redis://HOST[:PORT][/DB], rediss://…, or a socket (/PATH); also PAGEBOX_QUEUE')
    .option('--queue-password-file <file>', 'holds the password; also PAGEBOX_QUEUE_PASSWORD[_FILE]')
    .option('--wait <seconds>', 'how long the queue may take to be there at all', integer(0, 86_400), 0)

/** Lines for people, of which parts come from a queue. */
export const teller =
  (io: Io, aside: (print: () => void) => void = (print) => print()) =>
  (text: string): void =>
    aside(() => io.err(`${foreignLines(text)}\n`))

/** Runs a command with a queue, and lets go of it. */
export async function withQueue<Result>(
  { queue, queuePasswordFile, wait = 0 }: QueueOptions,
  io: Io,
  say: (text: string) => void,
  run: (store: Store) => Promise<Result>,
): Promise<Result> {
  const { addressOf } = await import('../../fleet/address.ts')
  const { connect } = await import('../../fleet/connect.ts')
  const { Store } = await import('../../fleet/store.ts')
  const address = addressOf({ queue, passwordFile: queuePasswordFile })
  const store = new Store(await connect(address, say, { waitMs: wait * 1000, signal: io.signal }))
  try {
    return await run(store)
  } finally {
    await store.close()
  }
}
