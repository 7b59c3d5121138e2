import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

const sources = (folder: string): { path: string; text: string }[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(cpp|h)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))

/** What a machine is made of, as it is constructed; declarations and mentions in text are not meant. */
const constructions = {
  descriptors: /(?:[=(]|return)\s*(?:pagebox::)?Memmap::create\(/,
  allocator: /make_unique<(?:pagebox::)?Allocator>|\bAllocator \w+[({]/,
  machine: /make_unique<(?:pagebox::)?Machine>|\bMachine \w+[({][^)]*memmap/,
}

/** page/ and its own tests stand below all of it; a probe has no allocator, and one page. */
const isExempt = (path: string): boolean =>
  /^native\/(?:page\/|tests\/(?:both\/|model\/)?page_)/.test(path) || path === 'native/pins/probe.cpp'

describe('the assembly of a machine', () => {
  const all = [...sources('native'), ...sources('benchmarks/native')].filter(({ path }) => !isExempt(path))
  for (const [part, construction] of Object.entries(constructions))
    test(`is the only place that makes the ${part}`, () => {
      const makers = all.filter(({ text }) => construction.test(text)).map(({ path }) => path)
      expect(makers).toEqual(['native/engine/box/assembly.cpp'])
    })
})
