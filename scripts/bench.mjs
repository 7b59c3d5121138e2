// bench.mjs [NAME...]: runs the benchmarks one after another, each in a process
// of its own, so that none measures the heap that another left behind.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'benchmarks')
const wanted = process.argv.slice(2)
const names = readdirSync(folder)
  .filter((name) => /\.(bench\.ts|bench\.mjs)$/.test(name))
  .filter((name) => wanted.length === 0 || wanted.includes(basename(name).replace(/\.bench\.\w+$/, '')))
  .sort()
if (names.length === 0) throw new Error('no benchmark of that name')
let failed = 0
for (const name of names) {
  console.log(`\n# ${name}`)
  failed +=
    spawnSync(process.execPath, ['--import', 'tsx', join(folder, name)], { stdio: 'inherit' }).status === 0 ? 0 : 1
}
process.exit(failed === 0 ? 0 : 1)
