// Builds what is missing or stale: `npm ci` in a clone and `npm test` run it.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildTypeScript } from './build-ts.mjs'
import { isTypeScriptFresh } from './dist-inputs.mjs'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))

// npm knows where node-gyp and Node's headers are.
if (process.env.npm_lifecycle_event === undefined) {
  process.exit(spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' }).status ?? 1)
}

function nodeGyp(command) {
  const run = spawnSync('node-gyp', [command, '-j', 'max', '--loglevel=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (run.error) console.error(`node-gyp: ${run.error.message}`)
  return run.status === 0
}

function isConfigured() {
  const made = 'build/Makefile'
  if (!existsSync(made)) return false
  const { mtimeMs } = statSync(made)
  return ['binding.gyp', 'native/sources.txt', 'package-lock.json'].every((file) => statSync(file).mtimeMs < mtimeMs)
}

if (process.platform === 'linux') {
  // make rebuilds what changed; a header that is gone needs a new start.
  const built = (isConfigured() && nodeGyp('build')) || nodeGyp('rebuild')
  if (!built) {
    console.error('pagebox: the native part did not build. It needs a C++20 compiler, make and Python 3.')
    process.exit(1)
  }
} else {
  console.error('pagebox: the native part exists on Linux only; building the rest.')
}

if (!isTypeScriptFresh() && !buildTypeScript()) process.exit(1)
