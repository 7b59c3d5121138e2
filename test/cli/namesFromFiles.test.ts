import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JSDOM } from 'jsdom'
import MarkdownIt from 'markdown-it'
import { layouts } from 'pagebox'
import { afterAll, describe, expect, test } from 'vitest'
import { ownFolder } from './ownFiles.ts'
import { type Ran, runCli } from './testIo.ts'

/*
 * Whatever a file may call its fields, flags, sources and itself, in every form that a command writes: text, and neither
 * markup nor a formula, a link or a command to a terminal.
 */

const { folder, write, remove } = ownFolder()
afterAll(remove)

const evil = `=cmd|'/c'!A1</script></style><img src=x onerror=alert(1)> [a](javascript:b) **b** \`c\` | d`
// A file's name may hold what no field may: a terminal's commands.
const place = 'x\u001b[31m<img src=y onerror=alert(2)>'
mkdirSync(join(folder, place))

const derived = ['builtin', 'highFields', 'freeFlagBits', 'lowestFreeFlagBit', 'ownCounterStrideBytes']
const said = Object.fromEntries(
  Object.entries(layouts.get('linux-6.12')).filter(([key]) => !derived.includes(key)),
) as unknown as (typeof layouts)['get'] extends (name: string) => infer Layout ? Layout : never
const evilLayout = {
  ...said,
  name: 'evil-layout',
  summary: evil,
  kconfig: { ...said.kconfig, name: evil },
  fields: said.fields.map((field) => ({
    ...field,
    meaning: evil,
    // Those that memory management looks for keep their names.
    ...(field.name === 'pgmap' && { name: evil.slice(0, 60) }),
  })),
}
const evilScheme = {
  name: 'evil-scheme',
  summary: evil,
  source: evil,
  falsePositives: evil,
  protocol: 'packed-word',
  countWord: 1,
  countShift: 8,
  countBits: 8,
  atLimit: 'saturate',
}
const file = write(`${place}/own.json`, { schemes: [evilScheme], layouts: [evilLayout] })
const scenario = (name: string, expected: object): string =>
  write(`${place}/${name}`, {
    name: evil,
    pages: 64,
    setup: [{ op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' }],
    threads: [
      { name: evil.slice(0, 60), ops: [{ op: 'store', buf: 'a', page: 0, n: 1, value: 1 }] },
      { name: 'other', ops: [{ op: 'load', buf: 'a', page: 0, n: 1, ...expected }] },
    ],
  })
const evilScenario = scenario('scenario.json', {})
// No order gives it: a finding, made short, with a timeline.
const evilFinding = scenario('finding.json', { expect: 9 })

const out = (name: string): string => join(folder, name)
const pagebox = (...args: string[]): Promise<Ran> =>
  runCli([...args, '--no-config', '--scheme-file', file], { columns: 80 })

/** Nothing that a terminal obeys, a reader does not see, or that turns what is around it. */
function isPlain({ out: text, err }: Pick<Ran, 'out' | 'err'>): void {
  expect(text + err).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u)
}

function isTame(page: string, scripts = 0): void {
  const { document } = new JSDOM(page).window
  expect(document.querySelectorAll('img, iframe, object, [onerror], [src], a[href^="javascript"]').length).toBe(0)
  expect(document.querySelectorAll('script').length).toBe(scripts)
  expect(document.querySelectorAll('style').length).toBe(1)
  expect(document.querySelector('main')).not.toBeNull()
  expect(page.includes('\u001b')).toBe(false)
}

describe('names from files are text', () => {
  test('in each form of compare', async () => {
    const forms = ['--html', out('c.html'), '--markdown', out('c.md'), '--mail', out('c.txt'), '--csv', out('c.csv')]
    const only = ['--quick', '--schemes', 'evil-scheme,refcount-bias', '--layouts', 'evil-layout']
    const ran = await pagebox('compare', ...only, ...forms)
    expect(ran.code, ran.err).toBe(0)
    isPlain(ran)
    const page = readFileSync(out('c.html'), 'utf8')
    isTame(page)
    expect(page).toContain('&lt;img src=x')
    isPlain({ out: readFileSync(out('c.txt'), 'utf8'), err: '' })
    const markdown = readFileSync(out('c.md'), 'utf8')
    isPlain({ out: markdown, err: '' })
    const { document } = new JSDOM(new MarkdownIt({ html: true }).render(markdown)).window
    expect(document.querySelectorAll('img, script, a, em').length).toBe(0)
    const cells = readFileSync(out('c.csv'), 'utf8')
      .split('\r\n')
      .flatMap((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/))
    expect(cells.some((cell) => cell.includes('=cmd'))).toBe(true)
    for (const cell of cells) expect(cell).not.toMatch(/^"?[=+@\t]|^"?-\D/)
  }, 180_000)

  test.each([
    ['layout', ['layout', 'evil-layout']],
    ['layout with a scheme', ['layout', 'evil-layout', '--scheme', 'evil-scheme']],
    ['free bits', ['layout', 'evil-layout', '--free-bits', '30']],
    ['a difference of layouts', ['layout', '--diff', 'linux-6.12', 'evil-layout']],
    ['a scheme', ['schemes', 'evil-scheme']],
    [
      'a decoded descriptor',
      ['decode', '--layout', 'evil-layout', '17ffffc0000020', '0', '0', '0', '7', '0', '1ffffffff', '0'],
    ],
  ])('in a terminal: %s', async (_what, args) => {
    const ran = await pagebox(...args)
    expect(ran.code, ran.err).toBe(0)
    isPlain(ran)
  })

  test('in search', async () => {
    const ran = await pagebox('search', '--layout', 'evil-layout', '--types', 'anon,fsdax', '--html', out('s.html'))
    expect(ran.code, ran.err).toBe(0)
    isPlain(ran)
    const page = readFileSync(out('s.html'), 'utf8')
    isTame(page)
    expect(page).toContain('=cmd')
  }, 120_000)

  test('in stress', async () => {
    const on = ['--scheme', 'evil-scheme', '--layout', 'evil-layout', '--seconds', '0.1', '--threads', '1']
    const ran = await pagebox('stress', 'open-pins', ...on, '--html', out('t.html'))
    isPlain(ran)
    isTame(readFileSync(out('t.html'), 'utf8'))
  }, 60_000)

  test('in what explore finds', async () => {
    const drawn = ['--samples', '3', '--html', out('f.html'), '--save', out('f.json')]
    const ran = await pagebox('explore', evilFinding, ...drawn, '--scheme', 'evil-scheme')
    expect(ran.code, ran.err).toBe(1)
    isPlain(ran)
    const page = readFileSync(out('f.html'), 'utf8')
    const timelines = page.match(/<script type="application\/json">/g) ?? []
    expect(timelines.length).toBeGreaterThan(0)
    isTame(page, 1 + timelines.length)
    const [, token] = /pagebox replay (\S+)/.exec(ran.out) ?? []
    const replayed = await pagebox('replay', token as string, '--html', out('r.html'))
    expect(replayed.code, replayed.err).toBe(1)
    isPlain(replayed)
    const again = readFileSync(out('r.html'), 'utf8')
    isTame(again, 1 + (again.match(/<script type="application\/json">/g) ?? []).length)
  }, 60_000)

  test('in explore, of scenarios too', async () => {
    const drawn = ['--samples', '3', '--html', out('e.html'), '--outcomes']
    const ran = await pagebox('explore', evilScenario, ...drawn, '--scheme', 'evil-scheme')
    expect(ran.code, ran.err).toBeLessThan(2)
    isPlain(ran)
    const page = readFileSync(out('e.html'), 'utf8')
    // The page's own, which its policy names by hash, and data of each timeline.
    isTame(page, 1 + (page.match(/<script type="application\/json">/g) ?? []).length)
  }, 60_000)
})
