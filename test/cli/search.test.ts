import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type SearchResult, search } from 'pagebox'
import { searchText } from '../../lib/cli/text/search.ts'
import { searchPage } from '../../lib/report/search.ts'
import pc from 'picocolors'
import type { Io } from '../../lib/cli/io.ts'
import { runCli } from './testIo.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-search-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const args = ['search', '--no-config', '--layout', 'linux-4.20', '--types', 'anon,file,device-private-anon']

test('what it prints for --scheme-file is taken by it', async () => {
  const { out, code } = await runCli([...args, '--min-pins', '65536', '--exact', '--no-growth', '--max-flag-bits', '1'])
  expect(code).toBe(0)
  expect(out).toMatch(/without --no-growth: a counter beside _refcount/)
  const file = join(folder, 'found.json')
  const printed = out.slice(out.lastIndexOf('\n['))
  writeFileSync(file, printed)
  for (const { name } of JSON.parse(printed)) {
    const shown = await runCli(['schemes', name, '--no-config', '--scheme-file', file])
    expect(shown.code, shown.err).toBe(0)
  }
})

test.each([
  [['--types', 'anno'], /--types must be .*did you mean 'anon'/],
  [['--layout', 'linux-4.2'], /Did you mean linux-4\.20/],
  [['--orders', '11'], /0 to 10/],
  [['--min-pins', '99999999999'], /1 to 2147483647/],
  [['--exact', '--fuzzy-from', '1024'], /--fuzzy-from must be left out with --exact/],
  [['--types', 'fsdax', '--orders', '9'], /--orders must be orders that fsdax pages of linux-6\.12 have: 0/],
  [['--kconfig', 'x'], /--kconfig belongs to --btf/],
  [['--exat'], /--exact/],
])('%j is wrong use', async (more, said) => {
  const { code, err, out } = await runCli(['search', '--no-config', ...more])
  expect(code).toBe(2)
  expect(out).toBe('')
  expect(err).toMatch(said)
})

test('a signal keeps what there is', async () => {
  const controller = new AbortController()
  const out: string[] = []
  const running = runCli([...args, '--json'], { signal: controller.signal, out: (text) => void out.push(text) })
  setTimeout(() => controller.abort('SIGTERM'), 300)
  const { code } = await running
  const [text] = out
  // Before there was anything, or with all places and what was proved of them.
  expect([0, 143]).toContain(code)
  if (text !== undefined) expect(JSON.parse(text).map.length).toBeGreaterThan(0)
})

describe('names from files', () => {
  const evil = '</td><script>alert(1)</script>\u001b[31m'
  const planted = async (): Promise<SearchResult> => {
    const found = await search({ layout: 'linux-6.12' })
    return {
      ...found,
      layout: evil,
      map: found.map.map((each) => ({ ...each, users: [{ field: evil, types: ['anon'], meaning: evil }] })),
      excluded: [{ place: evil, because: evil, at: null }],
      without: found.without.map((each) => ({ ...each, demand: evil })),
      findings: [evil],
    }
  }

  test('are text in the page', async () => {
    const page = searchPage(await planted())
    expect(page).not.toContain('<script')
    expect(page).toContain('&lt;script&gt;')
    expect(page).toContain('default-src &#39;none&#39;')
  })

  test('are text in the terminal', async () => {
    const io = { columns: 72, colours: pc.createColors(false) } as Io
    expect(searchText(await planted(), io)).not.toContain('\u001b')
  })
})

test('the page has the map, the front and the reasons', async () => {
  const file = join(folder, 'found.html')
  const { code } = await runCli([...args, '--exact', '--html', file])
  expect(code).toBe(0)
  const page = readFileSync(file, 'utf8')
  for (const said of [
    'who lives where',
    'Candidates',
    'ready to paste',
    'hmm_data',
    'Which demand costs what',
    'like-side-table',
  ])
    expect(page).toContain(said)
  expect(page).not.toMatch(/<script|https?:/)
})
