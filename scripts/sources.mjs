// Prints the part of native/sources.txt that binding.gyp asks for: `core` is
// compiled once for each environment, `addon` once.
import { readFileSync } from 'node:fs'

const list = readFileSync(new URL('../native/sources.txt', import.meta.url), 'utf8')
const sources = list
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '' && !line.startsWith('#'))
const part = process.argv[2]
if (part !== 'core' && part !== 'addon') throw new Error('usage: sources.mjs core|addon')
for (const source of sources) {
  if (source.startsWith('native/addon/') === (part === 'addon')) console.log(source)
}
