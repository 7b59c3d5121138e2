import { stripVTControlCharacters } from 'node:util'
import pc from 'picocolors'
import { expect, test } from 'vitest'
import type { Io } from '../../lib/cli/io.ts'
import { searchText } from '../../lib/cli/text/search.ts'
import type { SearchResult } from '../../lib/search/types.ts'
import { realKernel, realKernels, whyNone } from '../btf/shared.ts'
import { runCli } from '../cli/testIo.ts'

const widest = (text: string): number =>
  Math.max(...text.split('\n').map((line) => [...stripVTControlCharacters(line)].length))

const cases = realKernels.length === 0 ? [whyNone] : realKernels

test.each(cases)('%s: places and reasons for each bit, no finding, 72 columns', { timeout: 60_000 }, async (name) => {
  if (realKernels.length === 0) return
  const args = ['search', '--no-config', '--btf', realKernel(name), '--types', 'anon,file', '--min-pins', '65536']
  // A search takes seconds: half of the kernels are asked without, and the text is made of the same answer.
  const exact = realKernels.indexOf(name) % 2 === 0 ? ['--exact'] : []
  const json = await runCli([...args, ...exact, '--json'])
  expect(json.err).toBe('')
  expect(json.code).toBe(0)
  const found = JSON.parse(json.out)
  expect(found.findings).toEqual([])
  expect(found.candidates.length).toBeGreaterThan(0)
  const excluded = new Set(
    found.excluded.filter(({ at }: { at: unknown }) => at !== null).map(({ at }: { at: object }) => JSON.stringify(at)),
  )
  for (const { tail, offsetBytes, shift, bits, candidates } of found.map)
    expect(excluded.has(JSON.stringify({ tail, offsetBytes, shift, bits }))).toBe(candidates.length === 0)
  const text = searchText(found as SearchResult, { columns: 72, colours: pc.createColors(false) } as Io)
  expect(text).toContain(found.candidates[0].definition.name)
  expect(widest(text)).toBeLessThanOrEqual(72)
})

test.runIf(realKernels.includes('7.2.13-amd64'))(
  'the question of the thread, of a kernel of today',
  { timeout: 60_000 },
  async () => {
    const types = 'anon,file,device-private-anon,fsdax'
    const { out, code } = await runCli(
      ['search', '--btf', realKernel('7.2.13-amd64'), '--types', types, '--min-pins', '65536', '--exact'],
      { columns: 72 },
    )
    expect(code).toBe(0)
    expect(out).toContain('Nothing inside the descriptor meets all of it; beside it:')
    expect(out).toMatch(/word 1: lru\.next: live on anon, file .*pgmap: live on\s+device-private-anon, fsdax/s)
    expect(out).toContain('leaves no bit free')
    expect(out).toMatch(/without --exact: .*_refcount, 1024 a pin/s)
    expect(out).toContain('"place": "side-table"')
  },
)
