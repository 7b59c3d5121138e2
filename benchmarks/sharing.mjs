// sharing.mjs [OPTION...]: what threads share, counted in the model (benchmarks/sharing): builds the
// program beside the C++ tests and runs it. Its options: benchmarks/sharing/main.cpp.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const build = join(root, 'build-tests')

/** Ends where the command fails, as it did. */
function run(command, args, output) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', output, 'inherit'] })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

// What cmake says goes to stderr, so that what is counted can be read by a program.
if (!existsSync(join(build, 'CMakeCache.txt')))
  run('cmake', ['-S', join(root, 'native'), '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DPAGEBOX_TESTS=OFF'], 2)
run('cmake', ['--build', build, '--target', 'sharing', '-j', String(availableParallelism())], 2)
run(join(build, 'sharing'), process.argv.slice(2), 'inherit')
