import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { here } from './here.ts'
import { native, packageRoot } from './load.ts'

let known: string | undefined

/** Of the very file that runs here: two builds of one version may differ. 16 hexadecimal digits. */
export function addonBuild(): string {
  if (known !== undefined) return known
  native()
  const { path } = createRequire(join(here, 'load.js'))('node-gyp-build') as { path(folder: string): string }
  known = createHash('sha256')
    .update(readFileSync(path(packageRoot())))
    .digest('hex')
    .slice(0, 16)
  return known
}
