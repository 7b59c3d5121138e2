import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Box, PageboxError } from 'pagebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { helpers } from './helpers.ts'
import { type Hunted, hunt } from './hunt.ts'
import { Knowledge, parametersOf } from './learn.ts'
import { Random } from './random.ts'
import { shortest } from './shortest.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pagebox-fuzz-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const huntPlanted = (kind: string, patience = 10): Promise<Hunted> =>
  // No time for a second process.
  hunt({ kind: `planted-${kind}`, seed: 1, seconds: 0.01, jobs: 1, lines: 1, patience, folder, say: () => {} })

test('a crash is found, and its script has what it needs and no more', { timeout: 300_000 }, async () => {
  const { found } = await huntPlanted('crash')
  expect(found.map(({ finding, lines }) => [finding.kind, lines])).toEqual([['crash', 2]])
  expect(found[0]?.finding.text).toContain('SIGABRT')
  const calls = found[0]?.script.split('\n').filter((line) => line.includes('step(') && line.includes('=>'))
  expect(calls?.map((line) => line.replace(/.*=> /, ''))).toEqual([
    'globalThis.armed = true)',
    'globalThis.armed && process.abort())',
  ])
})

test('a hang is found', { timeout: 300_000 }, async () => {
  // It is waited for as often as the hunt tries to make it shorter.
  const { found } = await huntPlanted('hang', 4)
  expect(found.map(({ finding, lines }) => [finding.kind, lines])).toEqual([['hang', 1]])
})

test('an error of the engine is found, with the line whose object it names', { timeout: 300_000 }, async () => {
  const { found } = await huntPlanted('untyped')
  expect(found.map(({ finding, lines }) => [finding.kind, lines])).toEqual([['untyped error', 2]])
})

test('what is refused with a PageboxError is no finding', { timeout: 300_000 }, async () => {
  const { found, calls } = await huntPlanted('typed')
  expect([found, calls]).toEqual([[], 4])
})

test('the shortest part of a program is what it needs, wherever that lies', async () => {
  const program = Array.from({ length: 60 }, (_, at) => ({ source: `${at}`, waits: true }))
  const needs = ['7', '31', '32', '58']
  const shows = async (part: readonly ({ source: string } | null)[]): Promise<boolean> =>
    needs.every((source) => part.some((line) => line?.source === source))
  const short = await shortest(program, shows, 1000)
  expect(short.flatMap((line) => (line === null ? [] : [line.source]))).toEqual(needs)
  expect(short).toHaveLength(60)
})

test('arguments are learned from what the errors say is allowed', () => {
  const knowledge = new Knowledge()
  const random = new Random(7)
  const key = 'Box.create'
  let made = 0
  for (let i = 0; i < 200; i++) {
    const source = knowledge.args(key, Box.create as never, random, () => undefined).join(', ')
    try {
      const box = new Function('Box', 'H', `return Box.create(${source})`)(Box, helpers) as Box
      made += 1
      box.close()
    } catch (error) {
      expect(error, source).toBeInstanceOf(PageboxError)
      knowledge.learn(key, error as PageboxError)
    }
  }
  expect(made).toBeGreaterThan(20)
  const { places } = knowledge.known(key, Box.create as never)
  expect(places['options.ledger']?.allowed).toBe('true or false')
})

test('parameters are read from the source of a function', () => {
  expect(
    parametersOf(((a: number, { b }: { b: number }, c = [1, 2], ...d: number[]) => [a, b, c, d]) as never),
  ).toEqual(expect.arrayContaining(['a', 'c', 'd']))
  expect(parametersOf(class {}.prototype.constructor as never)).toEqual([])
})
