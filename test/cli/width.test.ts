import { stripVTControlCharacters } from 'node:util'
import { spawnSync } from 'node:child_process'
import pc from 'picocolors'
import { describe, expect, test } from 'vitest'
import type { Io } from '../../lib/cli/io.ts'
import { baselineText } from '../../lib/cli/text/baseline.ts'
import { compareText } from '../../lib/cli/text/compare.ts'
import { mailText } from '../../lib/cli/text/mail.ts'
import { table } from '../../lib/cli/text/table.ts'
import { compareWithBaseline } from '../../lib/compare/baseline.ts'
import { measuredFixture } from '../compare/measured.ts'
import { runCli } from './testIo.ts'

const widest = (text: string): number =>
  Math.max(...text.split('\n').map((line) => [...stripVTControlCharacters(line)].length))

const io = (columns: number): Io => ({ columns, colours: pc.createColors(true) }) as Io

describe('a table', () => {
  const columns = [{ head: 'name' }, { head: 'number', align: 'right' as const }, { head: 'what it is' }]
  const rows = [
    ['first', '12345678', 'words that can be broken wherever there is a space between two of them'],
    ['second', '9', `${'\u001b[31m'}red${'\u001b[39m'}`],
  ]

  test.each([20, 30, 40, 60, 80])('fits %i columns and loses nothing', (most) => {
    const text = table(columns, rows, { columns: most })
    expect(widest(text)).toBeLessThanOrEqual(Math.max(most, 'second'.length + 2 + 'number'.length + 4))
    const words = stripVTControlCharacters(text).split(/\s+/)
    for (const word of rows.flat().join(' ').split(' ')) expect(words).toContain(stripVTControlCharacters(word))
  })

  test('is as it was where it fits', () => {
    expect(table(columns, rows, { columns: 120 })).toBe(table(columns, rows))
  })

  test('repeats the first column where others go below', () => {
    const numbers = Array.from({ length: 12 }, (_, at) => ({ head: `column-${at}`, align: 'right' as const }))
    const text = table([{ head: 'row' }, ...numbers], [['mine', ...numbers.map((_, at) => String(at))]], {
      columns: 40,
    })
    expect(widest(text)).toBeLessThanOrEqual(40)
    expect(text.match(/^mine/gm)?.length).toBe(text.match(/^row/gm)?.length)
    for (const { head } of numbers) expect(text).toContain(head)
  })
})

describe.each([60, 72, 80, 100, 132])('in %i columns', (columns) => {
  const document = measuredFixture({ seed: 1 })
  test('the comparison', () => {
    expect(widest(compareText(document, ['linux-4.20', 'linux-6.12'], io(columns)))).toBeLessThanOrEqual(columns)
  })

  test('the baseline', () => {
    const now = measuredFixture({ seed: 2, changed: { scheme: 'packed-64', factor: 1.4 } })
    const report = compareWithBaseline(document, now)
    expect(report.worse).toBe(true)
    expect(widest(baselineText(report, io(columns)))).toBeLessThanOrEqual(columns)
  })

  test.each([['scenarios'], ['schemes'], ['layout'], ['stress', 'mm', '--seconds', '0.3']])('%s', async (...args) => {
    const { out, code } = await runCli(args, { columns })
    expect(code).toBe(0)
    expect(widest(out)).toBeLessThanOrEqual(columns)
  })
})

test('COLUMNS is what a pipe is as wide as', { timeout: 60_000 }, () => {
  const run = (columns: string) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'lib/cli/main.ts', 'scenarios'], {
      encoding: 'utf8',
      env: { ...process.env, COLUMNS: columns },
    }).stdout
  expect(widest(run('80'))).toBeLessThanOrEqual(80)
  expect(widest(run('80'))).toBeGreaterThan(70)
  expect(widest(run('64'))).toBeLessThanOrEqual(64)
  // What is no width is none.
  expect(widest(run('wide'))).toBeLessThanOrEqual(72)
})

test('a mail has 72 columns, the command, and no escape', () => {
  const document = measuredFixture({ seed: 1 })
  document.command = `pagebox compare --html ${'very-long-name/'.repeat(12)}x.html`
  document.schemes[0]!.definition = { name: 'mine', summary: 'text\u001b[31m of somebody', countBits: 8 }
  document.answer += ' \u001b[2J'
  const text = mailText(document, ['linux-6.12'], undefined)
  const lines = text.split('\n').filter((line) => !line.includes('very-long-name'))
  expect(widest(lines.join('\n'))).toBeLessThanOrEqual(72)
  expect(text).not.toContain('\u001b')
  expect(text).toContain('$ pagebox compare')
  expect(text).toContain('countBits 8')
})
