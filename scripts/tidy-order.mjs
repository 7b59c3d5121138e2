// tidy-order.mjs [FOLDER]: the sources that clang-tidy is to see, in order: `must PATH` for what changed since it last saw
// all that had changed, `may PATH` for the others. Since when: PAGEBOX_TIDY_SINCE; the commit that FOLDER/green names, or
// in a fresh clone .ci/tidy-green, where that is there and behind us; else the last but one merge of the line that HEAD is
// on.
//
// Of a header that changed it must see one source that includes it, as directly as any; the others that do come first
// among those that it may see, then what was only moved, then the rest, the most recently changed first.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

const lines = (text) => text.split('\n').filter((line) => line !== '')
function git(...parts) {
  try {
    return lines(execFileSync('git', parts, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return null
  }
}

/** @returns {string | null} a commit; null: there is none to compare with */
function since() {
  const asked = process.env.PAGEBOX_TIDY_SINCE
  if (asked !== undefined && asked !== '') {
    const [found] = git('rev-parse', '--verify', '--quiet', `${asked}^{commit}`) ?? []
    if (found !== undefined) return found
    console.error(`tidy-order: PAGEBOX_TIDY_SINCE: there is no commit '${asked}'`)
    process.exit(2)
  }
  for (const green of [join(process.argv[2] ?? 'build-tidy', 'green'), '.ci/tidy-green']) {
    const [marked] = existsSync(green) ? lines(readFileSync(green, 'utf8')) : []
    if (marked !== undefined && git('merge-base', '--is-ancestor', marked, 'HEAD') !== null) return marked
  }
  const merges = git('rev-list', '--first-parent', '--merges', '-n', '2', 'HEAD') ?? []
  return merges.at(-1) ?? git('rev-list', '-n', '20', 'HEAD')?.at(-1) ?? null
}

const sources = lines(readFileSync('native/sources.txt', 'utf8')).filter((line) => !line.startsWith('#'))
const isSource = new Set(sources)
const base = since()

/** What git says has changed: status, and the path that there is now. */
const changes = (base === null ? [] : (git('diff', '--name-status', '-M90%', base, '--', 'native') ?? [])).map(
  (line) => {
    const [status, ...paths] = line.split('\t')
    return { status: status[0], path: paths.at(-1) }
  },
)
const fresh = git('ls-files', '--others', '--exclude-standard', '--', 'native') ?? []
const changed = [...changes.filter(({ status }) => 'AMCT'.includes(status)).map(({ path }) => path), ...fresh]
const moved = changes.filter(({ status }) => status === 'R').map(({ path }) => path)

/** The headers that a file reaches, each with over how many others. */
const direct = new Map()
function includesOf(path) {
  let found = direct.get(path)
  if (found === undefined) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    found = [...text.matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)]
      .flatMap(([, name]) => [join(dirname(path), name), join('native', name)])
      .filter((each) => existsSync(each))
    direct.set(path, found)
  }
  return found
}
function reached(source) {
  const far = new Map([[source, 0]])
  for (const [path, steps] of far) for (const next of includesOf(path)) if (!far.has(next)) far.set(next, steps + 1)
  return far
}

const must = new Set(changed.filter((path) => isSource.has(path)))
const may = new Set()
const headers = changed.filter((path) => path.endsWith('.h') && existsSync(path))
if (headers.length > 0) {
  const far = new Map(sources.map((source) => [source, reached(source)]))
  for (const header of headers) {
    const users = sources
      .filter((source) => far.get(source).has(header))
      .sort((a, b) => far.get(a).get(header) - far.get(b).get(header))
    const [nearest] = users
    // One that is seen anyway sees the header too.
    if (nearest !== undefined && !users.some((source) => must.has(source))) must.add(nearest)
    for (const source of users) may.add(source)
  }
}
for (const path of moved) may.add(path)
for (const path of git('log', '--format=', '--name-only', '-n', '200', '--', 'native') ?? []) may.add(path)
for (const path of sources) may.add(path)

for (const path of must) console.log(`must ${path}`)
for (const path of may) if (isSource.has(path) && !must.has(path)) console.log(`may ${path}`)
