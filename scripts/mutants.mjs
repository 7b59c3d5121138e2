// Which lines of native/ can be changed, and into what: one change each, a plausible
// mistake. Templates, loops' heads, includes and comments stay.
const swaps = [
  [' == ', ' != '],
  [' != ', ' == '],
  [' && ', ' || '],
  [' || ', ' && '],
  [' + 1', ' + 2'],
  [' - 1', ''],
  [' < ', ' <= '],
  [' > ', ' >= '],
  [' ? 1 : 0', ' ? 0 : 1'],
  ['~', ''],
]

const isBalanced = (text) => text.split('(').length === text.split(')').length

/** [kind, new line] of each change of a line. */
export function changesOf(line) {
  const indent = /^\s*/.exec(line)[0]
  const changes = []
  if (indent === '' || /^\s*(\/\/|\*|#)/.test(line) || /static_assert|PAGEBOX_|planted\(/.test(line)) return changes
  if (/^\s+[a-zA-Z_][\w.>:-]*\(.*\);\s*$/.test(line) && isBalanced(line) && !/^\s+(return|delete|throw)\b/.test(line))
    changes.push(['call deleted', `${indent};`])
  const condition = /^(\s*(?:} else )?if \()(.*)(\)(?: \{| return.*;| continue;| break;| [a-zA-Z_].*;)?\s*)$/.exec(line)
  if (condition !== null && isBalanced(condition[2]) && !condition[2].includes(';'))
    changes.push(['condition negated', `${condition[1]}!(${condition[2]})${condition[3]}`])
  if (/template|for \(| std::|operator/.test(line)) return changes
  for (const [from, to] of swaps)
    if (line.includes(from)) changes.push([`'${from.trim()}' to '${to.trim()}'`, line.replace(from, () => to)])
  return changes
}

/** Numbers below `limit`, the same for the same seed (mulberry32). */
export function randomBelow(seed) {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** All changes of files ({ path, text }) in an order drawn by `seed`; at most `each` of a file. */
export function drawMutants(files, seed, each = 2) {
  const all = files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((old, at) => changesOf(old).map(([kind, line]) => ({ path, line: at + 1, kind, old, new: line }))),
  )
  const below = randomBelow(seed)
  for (let i = all.length - 1; i > 0; --i) {
    const j = below(i + 1)
    ;[all[i], all[j]] = [all[j], all[i]]
  }
  const taken = new Map()
  return all.filter(({ path }) => {
    taken.set(path, (taken.get(path) ?? 0) + 1)
    return taken.get(path) <= each
  })
}

/**
 * A line that is what it was or the mutant, as `when` says at run time; null: not of this kind. Where only an
 * operator of a longer expression differs, it is a statement or a whole condition that is chosen.
 */
export function switched({ kind, old, new: changed }, when) {
  if (kind === 'call deleted') return old.replace(/^(\s+)(.*?)\s*$/, `$1{ if (!${when}) $2 }`)
  const condition = /^(\s*(?:} else )?if \()(.*)(\)(?: \{| return.*;| continue;| break;| [a-zA-Z_].*;)?\s*)$/
  const was = condition.exec(old)
  if (was !== null && isBalanced(was[2])) {
    const is = condition.exec(changed)
    if (is === null || is[1] !== was[1] || is[3] !== was[3]) return null
    return `${was[1]}${when} ? static_cast<bool>(${is[2]}) : static_cast<bool>(${was[2]})${was[3]}`
  }
  const valued = /^(\s+(?:return|[\w:<>&* .[\]>()-]* [-+|&]?=) )(.*);\s*$/
  const value = valued.exec(old)
  if (value !== null && isBalanced(value[2])) {
    const other = valued.exec(changed)
    return other === null || other[1] !== value[1] ? null : `${value[1]}${when} ? (${other[2]}) : (${value[2]});`
  }
  return null
}
