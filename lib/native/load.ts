import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PageboxError } from '../errors.ts'
import type { NativeBinding } from './binding.ts'
import { here } from './here.ts'

/** pagebox's own version, as package.json has it. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version
}

/** The package's folder, found from `lib/`, `dist/` and `dist/cjs/` alike. */
export function packageRoot(): string {
  let folder = here
  for (;;) {
    const file = join(folder, 'package.json')
    // dist/cjs has a package.json too, which says no more than the format.
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'pagebox')
      return folder
    const parent = dirname(folder)
    if (parent === folder) return here
    folder = parent
  }
}

let loaded: NativeBinding | undefined
let failure: PageboxError | undefined

/** The addon, or null where it does not exist. Tried once. */
export function nativeOrNull(): NativeBinding | null {
  if (loaded !== undefined) return loaded
  if (failure !== undefined) return null
  try {
    const load = createRequire(join(here, 'load.js'))('node-gyp-build') as (folder: string) => NativeBinding
    loaded = load(packageRoot())
    return loaded
  } catch (cause) {
    const system = `${process.platform} ${process.arch}`
    failure = new PageboxError(
      'ERR_PAGEBOX_PLATFORM',
      `pagebox has no native part for this system (${system}): it runs on Linux with glibc, x64 and arm64. ` +
        'In a clone, `npm run build:native` builds it. Layouts, decode and reports work without it.',
      { given: system, allowed: 'linux x64, linux arm64', cause },
    )
    return null
  }
}

/** The addon. Throws `ERR_PAGEBOX_PLATFORM` where it does not exist. */
export function native(): NativeBinding {
  const binding = nativeOrNull()
  if (binding !== null) return binding
  throw failure
}
