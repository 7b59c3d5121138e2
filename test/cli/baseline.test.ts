import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareDocument, type CompareDocument, documentVersion } from '../../lib/compare/document.ts'
import { runCli } from './testIo.ts'

const asked = ['compare', '--quick', '--schemes', 'refcount-bias,own-counter', '--layouts', 'linux-6.12']

let folder = ''
let first: CompareDocument
const file = (name: string): string => join(folder, name)
const write = (name: string, document: unknown): string => {
  writeFileSync(file(name), JSON.stringify(document))
  return file(name)
}

/** The document with all costs of one scheme multiplied, as if it had been measured so. */
function scaled(document: CompareDocument, scheme: string, factor: number): CompareDocument {
  const copy = structuredClone(document)
  for (const { name, cost, ledger } of copy.schemes) {
    if (name !== scheme) continue
    for (const row of [...cost, ...ledger]) {
      for (const end of ['median', 'low', 'high'] as const) row.nsPerOp[end] *= factor
      row.samples = row.samples?.map((ns) => ns * factor)
    }
  }
  return copy
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pagebox-baseline-'))
  const { out, code } = await runCli([...asked, '--json'])
  expect(code).toBe(0)
  first = compareDocument.parse(JSON.parse(out))
}, 240_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('--baseline', () => {
  test('of what was three times as fast: exit 1, named everywhere', { timeout: 240_000 }, async () => {
    const before = write('faster.json', scaled(first, 'refcount-bias', 1 / 3))
    const files = ['html', 'markdown', 'mail', 'csv'].flatMap((kind) => [`--${kind}`, file(`report.${kind}`)])
    const { out, code } = await runCli([...asked, '--baseline', before, ...files])
    expect(code).toBe(1)
    expect(out).toMatch(/costs compared, \d+ changed: \d+ slower, 0 faster/)
    // What is known early comes early, and the answer last but for the baseline.
    expect(out.indexOf('linux-6.12  64 bytes')).toBeLessThan(out.indexOf('Cost in ns'))
    expect(readFileSync(file('report.html'), 'utf8')).toMatch(/Against the baseline[\s\S]*class="bad">slower/)
    expect(readFileSync(file('report.markdown'), 'utf8')).toMatch(/\| refcount-bias \|.*\| slower \|/)
    expect(readFileSync(file('report.mail'), 'utf8')).toContain('Against the baseline')
    expect(readFileSync(file('report.mail'), 'utf8')).toContain('$ pagebox compare --quick')
    expect(existsSync(file('report.csv'))).toBe(true)
  })

  test('of a slower one: exit 0, and faster is said in the document too', { timeout: 240_000 }, async () => {
    const before = write('slower.json', scaled(first, 'own-counter', 3))
    const { out, code } = await runCli([...asked, '--baseline', before, '--json'])
    expect(code).toBe(0)
    const { baseline } = JSON.parse(out) as { baseline: { worse: boolean; differences: { verdict: string }[] } }
    expect(baseline.worse).toBe(false)
    expect(baseline.differences.some(({ verdict }) => verdict === 'faster')).toBe(true)
    // A document with a baseline in it is a baseline in its turn.
    expect(compareDocument.safeParse(JSON.parse(out)).success).toBe(true)
  })

  test.each([
    [
      'a newer document',
      () => ({ ...first, documentVersion: documentVersion + 1 }),
      /version 3, and this pagebox reads up to 2/,
    ],
    ['something else', () => ({ hello: 1 }), /is no document of pagebox compare --json/],
    ['null', () => null, /is no document of pagebox compare --json/],
  ])('%s is refused before anything is measured', async (name, document, says) => {
    const { err, out, code } = await runCli([
      ...asked,
      '--baseline',
      write(`${name.replace(/\W/g, '')}.json`, document()),
    ])
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(says)
  })

  test.each(['-1', '101%', 'x', ''])('--smallest-effect %s is wrong use', async (value) => {
    expect((await runCli([...asked, `--smallest-effect=${value}`])).code).toBe(2)
  })
})
