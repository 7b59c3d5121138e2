// Prints the part of native/sources.txt that a build asks for: the core as one of the
// two environments has it, or the addon. The shipping build compiles few large units,
// each a run of one room's files: most of a small file's time is its headers. `--files`
// prints the files themselves.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const filesPerUnit = 24
/** Folders that exist in one environment; all else of the core is compiled in both. */
const foldersOf = {
  host: ['base/host', 'engine/race', 'engine/measure'],
  model: ['base/model', 'explore'],
}
const root = new URL('../', import.meta.url)
const [part, how] = process.argv.slice(2)
if (!['host', 'model', 'addon'].includes(part) || (how !== undefined && how !== '--files')) {
  throw new Error('usage: sources.mjs host|model|addon [--files]')
}

const lies = (source, folders) => folders.some((folder) => source.startsWith(`native/${folder}/`))
const belongs = (source) => {
  if (part === 'addon' || lies(source, ['addon'])) return part === 'addon' && lies(source, ['addon'])
  return !lies(source, foldersOf[part === 'host' ? 'model' : 'host'])
}

const sources = readFileSync(new URL('native/sources.txt', root), 'utf8')
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))
  .filter(belongs)

/** Writes what is not there yet, so that a file's time says when it changed. */
function writeUnit(path, text) {
  const file = fileURLToPath(new URL(path, root))
  try {
    if (readFileSync(file, 'utf8') === text) return
  } catch {
    mkdirSync(fileURLToPath(new URL('.', new URL(path, root))), { recursive: true })
  }
  writeFileSync(file, text)
}

function units() {
  const rooms = new Map()
  for (const source of sources.filter((name) => name.endsWith('.cpp'))) {
    const [, room] = source.split('/')
    if (!rooms.has(room)) rooms.set(room, [])
    rooms.get(room).push(source)
  }
  const made = sources.filter((name) => !name.endsWith('.cpp'))
  for (const [room, files] of rooms) {
    const count = Math.ceil(files.length / filesPerUnit)
    const each = Math.ceil(files.length / count)
    for (let n = 0; n < count; ++n) {
      const path = `build-units/${part}/${room}_${n}.cpp`
      const lines = files.slice(n * each, (n + 1) * each).map((file) => `#include "../../${file}"\n`)
      writeUnit(path, lines.join(''))
      made.push(path)
    }
  }
  return made
}

for (const line of how === '--files' ? sources : units()) console.log(line)
