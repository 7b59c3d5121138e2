// mutate-at-once.mjs SEED COUNT [--minutes N] [--room NAME,...] [--folder F] [--near]: as mutate.mjs, many mutants in
// one build. A folder keeps the build and what came of each mutant: the same command goes on where it ended.
//
// Each changed line chooses at run time, by PAGEBOX_MUTANT, whether it is the line that it was: one build for all
// of them, and the tests once a mutant. Lines that cannot choose (parts of an expression over several lines, constant
// expressions) are left to mutate.mjs. The C++ tests come first, which are quick, then those of vitest that know
// the mutant's room best, then the others (not with --near: a survivor costs minutes there).
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { commands, firstFailure } from './commands.mjs'
import { drawMutants, switched } from './mutants.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const rooms = ['page', 'pins', 'mm', 'zone_device', 'engine', 'explore']
const minutesAtMost = { build: 60, host: 3, model: 6, vitest: 25 }
/** Of vitest: what runs the core. */
const folders = ['api', 'engine', 'hmm', 'mm', 'page', 'pins', 'vectors', 'vitest', 'zone_device', 'zoo', 'hostile']
/** The recordings see most of what changes mm and devices. */
const firstOf = {
  mm: ['mm', 'engine/recording'],
  zone_device: ['zone_device', 'hmm', 'engine/recording'],
  page: ['page', 'api'],
  pins: ['pins', 'page'],
  engine: ['engine'],
  explore: ['engine/explore', 'zoo', 'vitest'],
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '240' },
    room: { type: 'string' },
    folder: { type: 'string' },
    near: { type: 'boolean' },
  },
})
const [seed, count] = positionals.map(Number)
const minutes = Number(options.minutes)
const asked = options.room?.split(',') ?? rooms
if (!Number.isSafeInteger(seed) || !(count > 0) || !(minutes > 0) || !asked.every((room) => rooms.includes(room))) {
  console.error('usage: mutate-at-once.mjs SEED COUNT [--minutes N] [--room NAME,...] [--folder F] [--near]')
  process.exit(2)
}
const ends = Date.now() + minutes * 60_000
const runner = commands()
const { command } = runner

/** How a mutated file asks. */
const header = `#pragma once
#include <cstdlib>
inline bool pagebox_mutant(int nth) {
  static const int on = [] {
    const char* value = std::getenv("PAGEBOX_MUTANT");
    return value == nullptr ? 0 : std::atoi(value);
  }();
  return on == nth;
}
`

function write(copy, texts, mutants) {
  for (const path of new Set(mutants.map((each) => each.path))) {
    const lines = texts.get(path).split('\n')
    for (const each of mutants) if (each.path === path && each.at > 0) lines[each.line - 1] = each.text
    writeFileSync(join(copy, path), `#include "base/mutant.h"\n#line 1\n${lines.join('\n')}`)
  }
}

async function build(copy, targets, texts, mutants) {
  const js = `${dirname(dirname(process.execPath))}/include/node;${join(root, 'node_modules/node-addon-api')}`
  const made = await command(
    copy,
    [
      'cmake',
      '-S',
      'native',
      '-B',
      'build-dev',
      '-G',
      'Ninja',
      '-DCMAKE_BUILD_TYPE=Debug',
      '-DCMAKE_CXX_FLAGS_DEBUG=-O1',
      '-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON',
      `-DCMAKE_JS_INC=${js}`,
    ],
    5,
  )
  if (!made.ok) throw new Error(made.output.slice(-2000))
  for (;;) {
    const built = await command(copy, ['ninja', '-j2', '-k', '0', '-C', 'build-dev', ...targets], minutesAtMost.build)
    if (built.ok || runner.stopped) return
    const wrong = mutants.filter(
      (each) =>
        each.at > 0 && new RegExp(`${each.path.slice('native/'.length)}:${each.line}:\\d+: error`).test(built.output),
    )
    if (wrong.length === 0) throw new Error(built.output.slice(-4000))
    for (const each of wrong) each.at = 0
    console.error(`${wrong.length} do not build: ${wrong.map(({ path, line }) => `${path}:${line}`).join(', ')}`)
    write(copy, texts, mutants)
  }
}

/** One half of the tests of the model beside the other; the first that fails ends both. */
const halves = `for half in 0 1; do
  GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$half build-dev/tests_model --gtest_brief=1 --gtest_fail_fast &
done
wait -n && wait -n || kill 0`

/** Empty: it passes. */
async function host(copy, env) {
  const ran = await command(
    copy,
    ['build-dev/tests_host', '--gtest_brief=1', '--gtest_fail_fast'],
    minutesAtMost.host,
    env,
  )
  return ran.ok ? '' : `tests_host: ${ran.late ? 'no end' : (firstFailure(ran.output) ?? 'ended')}`
}
async function model(copy, env) {
  const ran = await command(copy, ['bash', '-c', halves], minutesAtMost.model, env)
  return ran.ok ? '' : `tests_model: ${ran.late ? 'no end' : (firstFailure(ran.output) ?? 'ended')}`
}
async function vitestOf(copy, env, which) {
  const ran = await command(
    copy,
    ['npx', 'vitest', 'run', '--bail=1', '--reporter=dot', '--no-cache', ...which.map((each) => `test/${each}/`)],
    minutesAtMost.vitest,
    { NO_COLOR: '1', ...env },
  )
  return ran.ok ? '' : `vitest: ${ran.late ? 'no end' : (firstFailure(ran.output) ?? 'ended')}`
}
async function vitest(copy, env, room) {
  const first = firstOf[room] ?? []
  const seen = first.length > 0 && (await vitestOf(copy, env, first))
  return seen || (options.near ? '' : vitestOf(copy, env, folders))
}

/** One build of all of them, whose tests pass. */
async function prepare(copy, texts, mutants) {
  writeFileSync(join(copy, 'native/base/mutant.h'), header)
  // What runs in both environments is run in one: a test's build costs more than its run.
  const lists = join(copy, 'native/CMakeLists.txt')
  writeFileSync(
    lists,
    readFileSync(lists, 'utf8').replace(
      '(model tests/model/*_test.cpp tests/both/*_test.cpp)',
      '(model tests/model/*_test.cpp)',
    ),
  )
  write(copy, texts, mutants)
  await build(copy, ['tests_host'], texts, mutants)
  await build(copy, ['tests_model', 'pagebox'], texts, mutants)
  if (runner.stopped) return
  await command(copy, ['mkdir', '-p', 'build/Release'], 1)
  await command(copy, ['cp', 'build-dev/pagebox.node', 'build/Release/pagebox.node'], 1)
  await command(copy, ['npm', 'run', '--silent', 'build:ts'], 20)
  const clean = (await host(copy, {})) || (await model(copy, {})) || (await vitestOf(copy, {}, folders))
  if (!runner.stopped && clean !== '') throw new Error(`the tree itself fails: ${clean}`)
}

async function main(copy) {
  const listed = await command(copy, ['git', 'ls-files', ...asked.map((room) => `native/${room}/*.cpp`)], 1)
  const files = listed.output.trim().split('\n').filter(Boolean)
  const texts = new Map()
  for (const path of files) texts.set(path, (await command(copy, ['git', 'show', `HEAD:${path}`], 1)).output)
  const mutants = drawMutants(
    files.map((path) => ({ path, text: texts.get(path) })),
    seed,
  )
    .filter((each, i, all) => all.findIndex((other) => other.path === each.path && other.line === each.line) === i)
    .map((each) => ({ ...each, text: switched(each, 'pagebox_mutant(0)') }))
    .filter(({ text }) => text !== null)
    .slice(0, Math.ceil(count * 1.15))
  for (const [i, each] of mutants.entries()) {
    each.at = i + 1
    each.text = switched(each, `pagebox_mutant(${i + 1})`)
  }
  const state = join(dirname(copy), 'state.json')
  if (existsSync(state)) {
    const before = JSON.parse(readFileSync(state, 'utf8'))
    for (const each of mutants) {
      const same = before.find(({ path, line, kind }) => path === each.path && line === each.line && kind === each.kind)
      if (same !== undefined) Object.assign(each, { at: same.at, by: same.by, passed: same.passed })
    }
  } else {
    await prepare(copy, texts, mutants)
  }
  const keep = () => writeFileSync(state, JSON.stringify(mutants))
  if (runner.stopped) return
  keep()
  const chosen = mutants.filter(({ at }) => at !== 0).slice(0, count)
  // The C++ tests of all before vitest of any: they find most, in seconds each.
  const passes = [
    ['native', async (env) => (await host(copy, env)) || model(copy, env)],
    ['vitest', (env, room) => vitest(copy, env, room)],
  ]
  for (const [pass, run] of passes)
    for (const mutant of chosen) {
      if (runner.stopped || Date.now() > ends) break
      if (mutant.by || mutant.passed?.includes(pass)) continue
      const begun = Date.now()
      const by = await run({ PAGEBOX_MUTANT: String(mutant.at) }, mutant.path.split('/')[1])
      if (runner.stopped) break
      if (by !== '') mutant.by = by
      else mutant.passed = [...(mutant.passed ?? []), pass]
      keep()
      console.error(
        `${mutant.at} ${by === '' ? `SURVIVED ${pass}` : `caught by ${by}`}, ` +
          `${Math.round((Date.now() - begun) / 1000)} s | ` +
          `${mutant.path}:${mutant.line} ${mutant.kind} | ${mutant.old.trim()}`,
      )
    }
  const tried = chosen.filter(({ by, passed }) => by || passed?.includes('native'))
  const caught = tried.filter(({ by }) => by)
  const of = (name) => caught.filter(({ by }) => by.startsWith(name)).length
  console.log(
    JSON.stringify(
      {
        seed,
        tried: tried.length,
        caught: { host: of('tests_host'), model: of('tests_model'), vitest: of('vitest') },
        notBuilt: mutants.filter(({ at }) => at === 0).length,
        survivors: tried
          .filter(({ by }) => !by)
          .map(({ path, line, kind, old, new: text, passed }) => ({ path, line, kind, old, text, passed })),
      },
      null,
      2,
    ),
  )
}

const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'pagebox-mutants-'))
const copy = join(folder, 'copy')
try {
  if (!existsSync(copy)) {
    mkdirSync(folder, { recursive: true })
    const added = await command(root, ['git', 'clone', '-q', '--no-hardlinks', root, copy], 5)
    if (!added.ok) throw new Error(added.output)
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  }
  await main(copy)
} finally {
  if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
}
