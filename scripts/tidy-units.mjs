// tidy-units.mjs BUILD NAME SIZE < PATHS: the sources, one a line, as units of up to SIZE, since most of what clang-tidy does
// for a source it does for its headers. Writes BUILD/units/NAME/ with a compile_commands.json beside the units; prints for
// each its path and, behind tabs, its sources.
//
// Those of one unit are of one unit of the shipping build too (sources.mjs): what is in them has names of its own there.
// A source that both environments compile is read as the host's: what differs are the headers of base/, and those of
// the model are read with the folders that only the model has.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [build, name, size] = process.argv.slice(2)
const most = Number(size)
if (build === undefined || name === undefined || !(most >= 1)) {
  console.error('usage: tidy-units.mjs BUILD NAME SIZE < PATHS')
  process.exit(2)
}

/** How each source is compiled, the first way that there is: the host comes before the model. */
const commands = new Map()
for (const { file, command } of JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8'))) {
  if (!commands.has(file)) commands.set(file, command)
}

/** The unit of the shipping build that each source is in. */
const shipped = new Map()
for (const part of ['host', 'model', 'addon']) {
  for (const path of execFileSync(process.execPath, [join(root, 'scripts/sources.mjs'), part], {
    encoding: 'utf8',
  }).split('\n')) {
    if (!path.endsWith('.cpp')) continue
    const unit = resolve(root, path)
    for (const [, included] of readFileSync(unit, 'utf8').matchAll(/^#include "(.*)"$/gm)) {
      const file = resolve(dirname(unit), included)
      if (!shipped.has(file)) shipped.set(file, `${part}-${basename(unit, '.cpp')}`)
    }
  }
}

/** Of one unit of those, compiled alike: the command without what names the source, and without a precompiled header. */
const groups = new Map()
const unknown = []
for (const path of readFileSync(0, 'utf8').split('\n')) {
  if (path === '') continue
  const file = resolve(root, path)
  const command = commands.get(file)
  if (command === undefined) {
    unknown.push(path)
    continue
  }
  const alike = command.replace(/ -Winvalid-pch -include \S+/, '').replace(/ -o \S+ -c .*$/, '')
  const key = `${shipped.get(file) ?? basename(file, '.cpp')}\t${alike}`
  if (!groups.has(key)) groups.set(key, [])
  groups.get(key).push(file)
}
if (unknown.length > 0) {
  console.error(`tidy-units: nobody compiles ${unknown.join(', ')}`)
  process.exit(2)
}

const folder = resolve(build, 'units', name)
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const database = []
for (const [key, files] of groups) {
  const [from, command] = key.split('\t')
  const count = Math.ceil(files.length / most)
  const each = Math.ceil(files.length / count)
  for (let n = 0; n < count; ++n) {
    const part = files.slice(n * each, (n + 1) * each)
    // clang's analyzer looks into sources that a unit includes only if it is called so.
    const unit = join(folder, `UnifiedSource-${from}-${database.length}.cpp`)
    const include = (file) => `#include "${file}" // NOLINT(bugprone-suspicious-include)\n`
    writeFileSync(unit, part.map(include).join(''))
    database.push({ directory: resolve(build), file: unit, command: `${command} -c ${unit}` })
    console.log([unit, ...part.map((file) => relative(root, file))].join('\t'))
  }
}
writeFileSync(join(folder, 'compile_commands.json'), JSON.stringify(database, null, 1))
