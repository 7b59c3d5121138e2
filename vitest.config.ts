import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

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
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
    },
  },
})
