import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Files of a minute: begun last, one of them alone would keep the other processors waiting. */
const long = [
  'hostile/overwrittenDescriptors',
  'fuzz/fuzz',
  'hostile/workers',
  'fleet/killed',
  'fleet/realKilled',
  'fleet/crash',
  'page/layoutFuzz',
  'cli/helpExamples',
  'fuzz/machinery',
  'mm/gupMatrix',
  'hostile/damagedWords',
  'engine/recording/',
  'cli/compare',
  'docs/',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = long.findIndex((part) => moduleId.includes(`/test/${part}`))
      return found < 0 ? long.length : found
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  resolve: {
    // Tests import the package by its name, as users do, and run its sources.
    alias: [
      { find: /^pagebox$/, replacement: at('lib/index.ts') },
      { find: /^pagebox\/assert$/, replacement: at('lib/assert.ts') },
      { find: /^pagebox\/vitest$/, replacement: at('lib/vitest/index.ts') },
    ],
  },
  test: {
    // A crash in native code then ends one test file, not the runner.
    pool: 'forks',
    // One more than processors: some wait for their processes, or for a clock.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/globalSetup.mjs'],
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
    },
  },
})
