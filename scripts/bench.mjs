// bench.mjs [NAME...] [OPTION...]: runs the benchmarks one after another, each in a
// process of its own, so that none measures the heap that another left behind.
// Options (--quick, --json, ...) go to each of them.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'benchmarks')
const given = process.argv.slice(2)
const firstOption = given.findIndex((argument) => argument.startsWith('-'))
const wanted = firstOption === -1 ? given : given.slice(0, firstOption)
const options = firstOption === -1 ? [] : given.slice(firstOption)

const nameOf = (file) => file.replace(/\.bench\.\w+$/, '')
const files = readdirSync(folder)
  .filter((file) => /\.bench\.(ts|mjs)$/.test(file))
  .sort()
const unknown = wanted.filter((name) => !files.some((file) => nameOf(file) === name))
if (unknown.length > 0)
  throw new Error(`no benchmark '${unknown.join("', '")}': there are ${files.map(nameOf).join(', ')}`)

let failed = 0
for (const file of files) {
  if (wanted.length > 0 && !wanted.includes(nameOf(file))) continue
  // On stderr, so that what --json prints can be read by a program.
  console.error(`\n# ${nameOf(file)}`)
  const { status, signal } = spawnSync(process.execPath, ['--import', 'tsx', join(folder, file), ...options], {
    stdio: 'inherit',
  })
  if (signal !== null) console.error(`${nameOf(file)}: ended by ${signal}`)
  failed += status === 0 ? 0 : 1
}
process.exit(failed === 0 ? 0 : 1)
