import { PageboxError } from '../errors.ts'

/** The two packages that a queue takes, as they are when they are there. */
export interface Peers {
  readonly bullmq: typeof import('bullmq')
  readonly Redis: typeof import('ioredis').Redis
}

/** Versions that this pagebox was tried with, as its package.json says it. */
const wanted = { bullmq: '6', ioredis: '6' } as const

export const installCommand = `npm install bullmq@${wanted.bullmq} ioredis@${wanted.ioredis}`

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(String(error.code))

/**
 * Loads them on use: pagebox installs and runs without. Throws `ERR_PAGEBOX_PEER` with the command that installs
 * what is missing. `load` is for tests.
 */
export async function loadPeers(
  load: { bullmq(): Promise<Peers['bullmq']>; ioredis(): Promise<Pick<Peers, 'Redis'>> } = {
    bullmq: () => import('bullmq'),
    ioredis: () => import('ioredis'),
  },
): Promise<Peers> {
  const missing: string[] = []
  const tried = async <Module>(name: string, module: () => Promise<Module>): Promise<Module | undefined> => {
    try {
      return await module()
    } catch (error) {
      if (!isMissing(error)) throw error
      missing.push(name)
      return undefined
    }
  }
  const bullmq = await tried('bullmq', load.bullmq)
  const ioredis = await tried('ioredis', load.ioredis)
  if (bullmq !== undefined && ioredis !== undefined) return { bullmq, Redis: ioredis.Redis }
  throw new PageboxError(
    'ERR_PAGEBOX_PEER',
    `a fleet needs ${missing.join(' and ')}, which ${missing.length === 1 ? 'is' : 'are'} not installed: ${installCommand}`,
    { argument: missing.join(', '), allowed: installCommand },
  )
}
