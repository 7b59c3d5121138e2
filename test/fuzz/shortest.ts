import type { Line } from './program.ts'

const shortEnough = 4

/** What line `at` needs: the lines whose objects it names, theirs, and so on. */
function needed(program: readonly Line[], at: number, keep: Set<number> = new Set()): Set<number> {
  if (keep.has(at)) return keep
  keep.add(at)
  for (const [, index] of (program[at]?.source ?? '').matchAll(/\bo\[(\d+)\]/g)) needed(program, Number(index), keep)
  return keep
}

/**
 * The shortest part of a program that still shows what it showed, by taking pieces away: halves, quarters, down to
 * single lines. Lines that are left out become null, so that the numbers of the others hold.
 */
export async function shortest(
  program: readonly Line[],
  stillShows: (part: readonly (Line | null)[]) => Promise<boolean>,
  mostTries: number,
): Promise<readonly (Line | null)[]> {
  let tries = 0
  const shows = (part: readonly (Line | null)[]): Promise<boolean> => {
    tries += 1
    return stillShows(part)
  }
  let best: (Line | null)[] = [...program]
  if (program.length < 2) return best
  // Often the last line and what it names suffice.
  const slice = needed(program, program.length - 1)
  const sliced = best.map((line, at) => (slice.has(at) ? line : null))
  if (await shows(sliced)) {
    if (slice.size <= shortEnough) return sliced
    best = sliced
  }
  if (best !== sliced && !(await shows(best))) return best
  let size = Math.ceil(best.filter((line) => line !== null).length / 2)
  if (best === sliced) size = 1
  while (tries < mostTries) {
    let shrunk = false
    // From the end: what came last depends on the rest, and nothing on it.
    for (let end = best.length; end > 0 && tries < mostTries; end -= size) {
      const start = Math.max(0, end - size)
      if (best.slice(start, end).every((item) => item === null)) continue
      const without = best.map((item, i) => (i >= start && i < end ? null : item))
      if (await shows(without)) {
        best = without
        shrunk = true
      }
    }
    if (size === 1 && !shrunk) break
    size = Math.max(1, Math.floor(size / 2))
  }
  return best
}
