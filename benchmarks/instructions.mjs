// instructions.mjs [--json] [--build FOLDER]: the guard of CI. Instructions of
// each scheme's batch pin+unpin, of a single pin and unpin as JavaScript calls them, and of
// a race's, fused and in random order, over those of the hand-written loops, counted by
// callgrind. Fails where a ratio has grown beyond its bound.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { bounds, mixBounds, raceBounds, singleBounds } from './bounds.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values: given } = parseArgs({
  options: { json: { type: 'boolean', default: false }, build: { type: 'string', default: 'build-tests' } },
})
const build = join(root, given.build)

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (done.error) throw done.error
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: status ${done.status}\n${done.stdout}${done.stderr}`)
  return done.stdout
}

/** The program, in the folder of the C++ tests, whose core it links. */
function buildProgram() {
  if (!existsSync(join(build, 'CMakeCache.txt')))
    run('cmake', ['-S', join(root, 'native'), '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DPAGEBOX_TESTS=OFF'])
  run('cmake', ['--build', build, '--target', 'instructions', '-j', String(availableParallelism())])
  return join(build, 'instructions')
}

/** Instructions per pair, by scheme, and `scheme` or `limit`. */
function count(program) {
  const folder = mkdtempSync(join(tmpdir(), 'pagebox-instructions-'))
  try {
    const out = join(folder, 'callgrind.out')
    const pairs = Number(run('valgrind', ['--tool=callgrind', `--callgrind-out-file=${out}`, program]))
    const counts = new Map()
    for (const name of readdirSync(folder)) {
      const text = readFileSync(join(folder, name), 'utf8')
      const [, what] = /^desc: Trigger: Client Request: (.+)$/m.exec(text) ?? []
      const [, total] = /^(?:totals|summary): (\d+)/m.exec(text) ?? []
      if (what !== undefined && total !== undefined) counts.set(what, Number(total) / pairs)
    }
    return counts
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const counts = count(buildProgram())

/** Counted as it is, or as what a longer run took more than a shorter one. */
function countOf(what) {
  const found = counts.get(what) ?? counts.get(`${what}-long`) - counts.get(`${what}-short`)
  if (!(found > 0)) throw new Error(`no count for '${what}'`)
  return found
}

const kinds = [
  { kind: 'batch', name: 'scheme', loop: 'limit', bounds },
  { kind: 'single', name: 'single', loop: 'limit', bounds: singleBounds },
  { kind: 'race', name: 'race', loop: 'limit', bounds: raceBounds },
  { kind: 'race, random order', name: 'mix', loop: 'limit-mix', bounds: mixBounds },
]
const rows = []
for (const { kind, name, loop, bounds } of kinds)
  for (const [scheme, bound] of Object.entries(bounds)) {
    const own = countOf(`${scheme} ${name}`)
    const limit = countOf(`${scheme} ${loop}`)
    const ratio = own / limit
    rows.push({ scheme, kind, own, limit, ratio, bound, holds: ratio <= bound })
  }
const schemes = [...counts.keys()].filter((what) => what.endsWith(' limit')).length
const expected = kinds.length * schemes
if (rows.length !== expected) throw new Error(`${rows.length} ratios counted, ${expected} have a bound`)
rows.sort((a, b) => a.kind.localeCompare(b.kind) || a.scheme.localeCompare(b.scheme))

if (given.json) {
  console.log(JSON.stringify({ benchmark: 'instructions', rows }))
} else {
  const table = new Table({
    head: ['scheme', '', 'own', 'its loop', 'ratio', 'bound', ''],
    style: { head: [], border: [] },
  })
  for (const row of rows)
    table.push([
      row.scheme,
      row.kind,
      row.own.toFixed(1),
      row.limit.toFixed(1),
      row.ratio.toFixed(3),
      row.bound.toFixed(2),
      row.holds ? '' : 'GREW',
    ])
  console.log(`Instructions of a pin and its unpin\n${table}`)
}
process.exit(rows.every((row) => row.holds) ? 0 : 1)
