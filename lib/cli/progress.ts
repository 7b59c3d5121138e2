import { SingleBar } from 'cli-progress'
import type { Io } from './io.ts'

export interface Progress {
  update(done: number, total: number, what: string): void
  stop(): void
}

const silent: Progress = { update() {}, stop() {} }

/** A bar on standard error, if somebody looks at it. */
export function progressBar(io: Io): Progress {
  if (!io.interactive) return silent
  const bar = new SingleBar({
    format: '{bar} {percentage}% {what}',
    barsize: 30,
    barCompleteChar: '━',
    barIncompleteChar: '─',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  })
  bar.start(1, 0, { what: '' })
  return {
    update(done, total, what) {
      bar.setTotal(total)
      bar.update(done, { what })
    },
    stop: () => bar.stop(),
  }
}
