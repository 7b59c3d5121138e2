import { SingleBar } from 'cli-progress'
import type { Io } from './io.ts'

export interface Progress {
  update(done: number, total: number, what: string): void
  /** Takes the bar away while something is printed. */
  aside(print: () => void): void
  stop(): void
}

const silent: Progress = { update() {}, aside: (print) => print(), stop() {} }

/** A bar on standard error, if somebody looks at it; what is done and all there is are milliseconds. */
export function progressBar(io: Io): Progress {
  if (!io.interactive) return silent
  const bar = new SingleBar({
    format: '{bar} {percentage}% {left} {what}',
    barsize: 30,
    barCompleteChar: '━',
    barIncompleteChar: '─',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  })
  let at = { done: 0, total: 1, what: '', left: '' }
  const begin = (): void => bar.start(at.total, at.done, { what: at.what, left: at.left })
  begin()
  return {
    update(done, total, what) {
      // Both in milliseconds: what is left is no guess of the bar's.
      at = { done, total, what, left: `${Math.ceil((total - done) / 1000)} s left` }
      bar.setTotal(total)
      bar.update(done, { what, left: at.left })
    },
    aside(print) {
      bar.stop()
      print()
      begin()
    },
    stop: () => bar.stop(),
  }
}
