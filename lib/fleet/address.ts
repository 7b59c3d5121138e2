import { readFileSync } from 'node:fs'
import { PageboxError } from '../errors.ts'

/** Where a queue is. */
export interface Address {
  readonly host?: string
  readonly port?: number
  /** A socket of this machine. */
  readonly path?: string
  readonly tls: boolean
  readonly db: number
  readonly username?: string
  readonly password?: string
  /** To print: without user and password. */
  readonly shown: string
}

const allowed = 'redis://HOST[:PORT][/DB], rediss://HOST[:PORT][/DB], or a socket: /PATH or unix:///PATH[?db=DB]'

const bad = (message: string, given: string): PageboxError =>
  new PageboxError('ERR_PAGEBOX_QUEUE', `${message}; allowed: ${allowed}`, { argument: 'queue', given, allowed })

/** What stands between `//` and `@`, which nobody may see. */
export const withoutSecrets = (text: string): string => text.replace(/\/\/[^/?#]*@/g, '//')

function dbOf(text: string, shown: string): number {
  const db = text === '' ? 0 : Number(text)
  if (!Number.isInteger(db) || db < 0 || db > 1_000_000) throw bad(`${shown}: the database is no whole number`, shown)
  return db
}

function decoded(text: string): string | undefined {
  if (text === '') return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Reads an address; throws `ERR_PAGEBOX_QUEUE`, without the password that it may hold. */
export function readAddress(text: string): Address {
  const shown = withoutSecrets(text)
  if (text.startsWith('/')) return { path: text, tls: false, db: 0, shown: text }
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw bad(`${JSON.stringify(shown)} is no address of a queue`, shown)
  }
  const secrets = {
    ...(url.username !== '' && { username: decoded(url.username) }),
    ...(url.password !== '' && { password: decoded(url.password) }),
  }
  if (url.protocol === 'unix:' || url.protocol === 'redis+unix:') {
    const path = decoded(url.pathname)
    if (url.host !== '' || path === undefined || path === '/')
      throw bad(`${shown}: a socket has an absolute path`, shown)
    return { path, tls: false, db: dbOf(url.searchParams.get('db') ?? '', shown), ...secrets, shown }
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw bad(`${shown}: a queue stands on Redis or Valkey, not on '${url.protocol}'`, shown)
  if (url.hostname === '') throw bad(`${shown}: the host is missing`, shown)
  if (url.search !== '' || url.hash !== '') throw bad(`${shown}: options behind ? or # are not known`, shown)
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    tls: url.protocol === 'rediss:',
    db: dbOf(url.pathname.replace(/^\//, ''), shown),
    ...secrets,
    shown,
  }
}

export interface AddressOptions {
  /** Of the command line: it holds no password. */
  readonly queue?: string
  /** A file that holds the password, and nothing else. */
  readonly passwordFile?: string
}

function passwordIn(file: string): string {
  const password = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  if (password === '' || /[\r\n\0]/.test(password))
    throw new PageboxError('ERR_PAGEBOX_QUEUE', `${file}: a password is one line, and not empty`, { argument: file })
  return password
}

/**
 * The queue of a command line and its environment: `PAGEBOX_QUEUE`, `PAGEBOX_QUEUE_PASSWORD`,
 * `PAGEBOX_QUEUE_PASSWORD_FILE`. Other users of a machine see its command lines, so a password there is refused.
 */
export function addressOf({ queue, passwordFile }: AddressOptions, env: NodeJS.ProcessEnv = process.env): Address {
  const given = queue ?? env.PAGEBOX_QUEUE
  if (given === undefined || given === '')
    throw new PageboxError('ERR_PAGEBOX_QUEUE', `which queue? --queue or PAGEBOX_QUEUE says it: ${allowed}`, {
      argument: 'queue',
      allowed,
    })
  const address = readAddress(given)
  if (queue !== undefined && address.password !== undefined)
    throw new PageboxError(
      'ERR_PAGEBOX_QUEUE',
      `--queue ${address.shown}: a password on a command line is seen by every user of the machine; put it into the environment (PAGEBOX_QUEUE_PASSWORD) or a file (--queue-password-file)`,
      { argument: 'queue', given: address.shown },
    )
  const file = passwordFile ?? env.PAGEBOX_QUEUE_PASSWORD_FILE
  const password = file !== undefined && file !== '' ? passwordIn(file) : env.PAGEBOX_QUEUE_PASSWORD || address.password
  return { ...address, ...(password !== undefined && { password }) }
}
