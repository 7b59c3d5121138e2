// mutate.mjs SEED COUNT [--minutes N] [--room NAME,...] [--mutant FILE:LINE] [--no-native]:
// how strong is the suite?
//
// In a copy of the committed tree, one line of native/ at a time is changed; the addon is made
// again, and vitest runs until something fails. What survives is tried on the C++ tests. A line
// a mutant on standard error, a summary as JSON on standard output. A mutant that survives all
// is equivalent, or a gap. The copy goes when the run ends, by itself or by SIGINT.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { commands, firstFailure } from './commands.mjs'
import { drawMutants } from './mutants.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const rooms = ['page', 'pins', 'mm', 'zone_device', 'engine', 'explore']
/** Of one command; nothing that passes takes so long. */
const minutesAtMost = { build: 20, vitest: 10, nativeBuild: 60, native: 15 }

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '120' },
    room: { type: 'string' },
    mutant: { type: 'string' },
    'no-native': { type: 'boolean', default: false },
  },
})
const [seed, count] = positionals.map(Number)
const minutes = Number(options.minutes)
if (!Number.isSafeInteger(seed) || !(count > 0) || !(minutes > 0)) {
  console.error('usage: mutate.mjs SEED COUNT [--minutes N] [--room NAME,...] [--mutant FILE:LINE] [--no-native]')
  process.exit(2)
}
const asked = options.room?.split(',') ?? rooms
if (!asked.every((room) => rooms.includes(room))) {
  console.error(`--room: there are ${rooms.join(', ')}`)
  process.exit(2)
}

const ends = Date.now() + minutes * 60_000
const runner = commands()
const { command } = runner

const git = (...rest) => command(root, ['git', ...rest], 5)
const build = (copy) => command(copy, ['npm', 'run', '--silent', 'build'], minutesAtMost.build)
const vitest = (copy) =>
  command(
    copy,
    ['npx', 'vitest', 'run', '--bail=1', '--reporter=dot', '--no-cache', '--exclude', 'test/docs/**'],
    minutesAtMost.vitest,
    { NO_COLOR: '1' },
  )
async function nativeTests(copy) {
  const cmake = ['cmake', '-S', 'native', '-B', 'build-mutant', '-DCMAKE_BUILD_TYPE=Release', '-DPAGEBOX_UNITS=ON']
  const made = await command(copy, cmake, 5)
  const built = made.ok
    ? await command(copy, ['cmake', '--build', 'build-mutant', '-j2'], minutesAtMost.nativeBuild)
    : made
  if (!built.ok) return { ...built, broken: true }
  return command(copy, ['ctest', '--test-dir', 'build-mutant', '--stop-on-failure', '-j2'], minutesAtMost.native)
}

/** What became of one: 'does not build', 'caught', 'survived', or 'stopped'. */
async function tryOne(copy, mutant) {
  const path = join(copy, mutant.path)
  const text = readFileSync(path, 'utf8')
  const lines = text.split('\n')
  lines[mutant.line - 1] = mutant.new
  try {
    writeFileSync(path, lines.join('\n'))
    const built = await build(copy)
    if (runner.stopped) return { result: 'stopped' }
    if (!built.ok) return { result: 'does not build' }
    const seen = await vitest(copy)
    if (runner.stopped) return { result: 'stopped' }
    if (!seen.ok) return { result: 'caught', by: seen.late ? 'no end' : (firstFailure(seen.output) ?? 'vitest') }
    if (options['no-native']) return { result: 'survived' }
    const native = await nativeTests(copy)
    if (runner.stopped) return { result: 'stopped' }
    if (native.broken) return { result: 'survived', by: 'the C++ tests do not build' }
    if (!native.ok)
      return { result: 'caught', by: native.late ? 'C++: no end' : `C++: ${firstFailure(native.output) ?? 'a test'}` }
    return { result: 'survived' }
  } finally {
    writeFileSync(path, text)
  }
}

async function drawn(copy) {
  const listed = await command(copy, ['git', 'ls-files', ...asked.map((room) => `native/${room}/*.cpp`)], 1)
  const files = listed.output.trim().split('\n').filter(Boolean)
  const mutants = drawMutants(
    files.map((path) => ({ path, text: readFileSync(join(copy, path), 'utf8') })),
    seed,
    options.mutant === undefined ? 2 : Number.POSITIVE_INFINITY,
  )
  if (options.mutant === undefined) return mutants
  return mutants.filter(({ path, line }) => `${path}:${line}` === options.mutant)
}

async function main(copy) {
  const tried = []
  const mutants = await drawn(copy)
  const sound = runner.stopped ? null : await build(copy)
  if (!runner.stopped && !sound.ok) throw new Error(`the tree itself does not build: ${sound.output.slice(-500)}`)
  // Else every mutant would seem to be caught.
  const clean = runner.stopped ? null : await vitest(copy)
  if (!runner.stopped && !clean.ok)
    throw new Error(`the tree itself fails: ${firstFailure(clean.output) ?? clean.output.slice(-500)}`)
  for (const mutant of mutants) {
    if (
      runner.stopped ||
      Date.now() > ends ||
      tried.filter(({ result }) => result !== 'does not build').length >= count
    )
      break
    const begun = Date.now()
    const outcome = await tryOne(copy, mutant)
    if (outcome.result === 'stopped') break
    const seconds = Math.round((Date.now() - begun) / 1000)
    tried.push({ ...mutant, ...outcome, seconds })
    console.error(
      `${outcome.result}${outcome.by === undefined ? '' : ` by ${outcome.by}`}, ${seconds} s | ` +
        `${mutant.path}:${mutant.line} ${mutant.kind} | ${mutant.old.trim()}`,
    )
  }
  const of = (result) => tried.filter((each) => each.result === result)
  console.log(
    JSON.stringify(
      {
        seed,
        possible: mutants.length,
        tried: of('caught').length + of('survived').length,
        caught: of('caught').length,
        notBuilt: of('does not build').length,
        complete: !runner.stopped && Date.now() <= ends,
        survivors: of('survived'),
      },
      null,
      2,
    ),
  )
}

const folder = mkdtempSync(join(tmpdir(), 'pagebox-mutants-'))
const copy = join(folder, 'copy')
try {
  const added = await git('worktree', 'add', '--detach', copy, 'HEAD')
  if (!added.ok) throw new Error(added.output)
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  await main(copy)
} finally {
  runner.stopped = false
  rmSync(copy, { recursive: true, force: true })
  await git('worktree', 'prune')
  rmSync(folder, { recursive: true, force: true })
}
