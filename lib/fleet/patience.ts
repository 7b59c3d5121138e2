import { setTimeout as sleep } from 'node:timers/promises'
import { PageboxError } from '../errors.ts'

/** Why a queue cannot be had now, though it was there before. */
export type Trouble = 'away' | 'full' | 'starting' | 'read-only'

/** What passes by itself; undefined: an error of its own. */
export function troubleOf(error: unknown): Trouble | undefined {
  if (!(error instanceof Error)) return undefined
  const { message } = error
  if (/^OOM |command not allowed when used memory/.test(message)) return 'full'
  if (/^LOADING |^MASTERDOWN |^BUSY |^TRYAGAIN /.test(message)) return 'starting'
  if (/^READONLY |^MISCONF |^NOREPLICAS /.test(message)) return 'read-only'
  const code = 'code' in error ? String(error.code) : ''
  if (/^(ECONN|EPIPE|ETIMEDOUT|ENOENT|EHOSTUNREACH|ENETUNREACH|EAI_|ENOTFOUND)/.test(code)) return 'away'
  if (/Connection is closed|Stream isn't writeable|max retries per request|Command timed out/i.test(message))
    return 'away'
  return undefined
}

const words: Record<Trouble, string> = {
  away: 'the queue is away',
  full: 'the queue is full (its maxmemory is used up)',
  starting: 'the queue is starting',
  'read-only': 'the queue takes no writes',
}

/** Waits, tells once that it waits, and once that it goes on. */
export interface Patience {
  /**
   * Does `task` until it succeeds or fails for a reason that does not pass. `task` may run twice: a lost answer.
   * What the server itself says no to is `ERR_PAGEBOX_QUEUE`.
   */
  insist<Result>(task: () => Promise<Result>, signal?: AbortSignal): Promise<Result>
  /** From the connection itself. */
  lost(trouble: Trouble): void
  found(): void
}

/** What a server says no to, as a person should read it: a key of another kind, a user without the right. */
const refused = (error: unknown): unknown =>
  error instanceof Error && error.name === 'ReplyError'
    ? new PageboxError('ERR_PAGEBOX_QUEUE', `the server does not take this: ${error.message}`, { cause: error })
    : error

const shortestMs = 100
const longestMs = 2000

export function patience(say: (text: string) => void): Patience {
  let since: { trouble: Trouble; at: number } | undefined
  const lost = (trouble: Trouble): void => {
    if (since?.trouble === trouble) return
    since = { trouble, at: since?.at ?? performance.now() }
    say(`${words[trouble]}; waiting`)
  }
  const found = (): void => {
    if (since === undefined) return
    say(`the queue is back after ${Math.max(1, Math.round((performance.now() - since.at) / 1000))} s; going on`)
    since = undefined
  }
  return {
    lost,
    found,
    async insist(task, signal) {
      for (let wait = shortestMs; ; wait = Math.min(longestMs, wait * 2)) {
        signal?.throwIfAborted()
        try {
          const result = await task()
          found()
          return result
        } catch (error) {
          const trouble = troubleOf(error)
          if (trouble === undefined) throw refused(error)
          lost(trouble)
        }
        await sleep(wait * (0.75 + Math.random() / 2), undefined, { signal })
      }
    },
  }
}

/** What a first attempt that failed says to a person. */
export function cannotReach(shown: string, error: unknown): PageboxError {
  const { message, code } = error as { message: string; code?: string }
  const say = (text: string): PageboxError =>
    new PageboxError('ERR_PAGEBOX_QUEUE', text, { argument: 'queue', given: shown, cause: error })
  if (/^WRONGPASS|invalid password|invalid username-password/i.test(message))
    return say(`${shown}: the password (or the user) is wrong; PAGEBOX_QUEUE_PASSWORD or --queue-password-file says it`)
  if (/^NOAUTH/.test(message))
    return say(`${shown}: a password is asked for; PAGEBOX_QUEUE_PASSWORD or --queue-password-file says it`)
  if (/^NOPERM/.test(message)) return say(`${shown}: this user may not do what a fleet does: ${message}`)
  const why = code === undefined ? message : `${code}${message.includes(code) ? '' : `, ${message}`}`
  return say(`${shown}: no Redis or Valkey answers there (${why})`)
}
