// What dist/ is compiled from, and whether it still is what that compiles to.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const dist = join(root, 'dist')
/** Holds the hash of what dist/ was compiled from. */
export const stamp = join(root, 'node_modules', '.cache', 'pagebox', 'dist-inputs')

export const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))

/** One hash of all of it. */
export function inputs() {
  const hash = createHash('sha256')
  const single = [
    'tsconfig.json',
    'tsconfig.build.json',
    'tsconfig.cjs.json',
    'package-lock.json',
    'scripts/build-ts.mjs',
  ]
  for (const file of [...filesBelow(join(root, 'lib')).sort(), ...single.map((name) => join(root, name))]) {
    hash.update(file).update('\0').update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}

export function isTypeScriptFresh() {
  return existsSync(join(dist, 'cjs', 'index.js')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs()
}
