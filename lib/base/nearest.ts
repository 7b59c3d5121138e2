/** Number of edits between two words; small words, so the plain table will do. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

/** Longer words are no slips of a name. */
const longest = 64

/** The name that was meant, as far as one can tell from a slip; undefined: nothing is near. */
export function nearest(names: readonly string[], given: string): string | undefined {
  if (given.length === 0 || given.length > longest) return undefined
  const word = given.toLowerCase()
  const most = Math.min(4, Math.ceil(word.length / 2))
  let best: string | undefined
  let least = most + 1
  for (const name of names) {
    const edits = distance(name.toLowerCase(), word)
    if (edits >= least) continue
    least = edits
    best = name
  }
  return best
}

/** `"; did you mean 'refcount'?"`, or nothing. */
export function didYouMean(names: readonly string[], given: unknown): string {
  const found = typeof given === 'string' ? nearest(names, given) : undefined
  return found === undefined || found === given ? '' : `; did you mean '${found}'?`
}
