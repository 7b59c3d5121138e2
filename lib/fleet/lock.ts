import type { Job } from 'bullmq'

/** Keeps a shard that is being done from being given to others; the event loop must be free for that. */
export function keepLock(job: Job, token: string, lockMs: number): () => void {
  const timer = setInterval(() => {
    // A lock that is lost, or a queue that is away: the shard is done again elsewhere and counts once.
    job.extendLock(token, lockMs).catch(() => {})
  }, lockMs / 3)
  return () => clearInterval(timer)
}
