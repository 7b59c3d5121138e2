import { describe, expect, test } from 'vitest'
import { compareDocument } from '../../lib/compare/document.ts'
import { schemes } from '../../lib/index.ts'
import { runChild, signalAfter } from './child.ts'

// Takes minutes if nobody stops it.
const long = ['compare', '--thorough', '--schemes', 'lru-overlay,refcount-bias', '--layouts', 'linux-4.20']

describe('pagebox compare --quick --json', () => {
  test('prints one document that holds every scheme, and exits 0 although schemes collide', {
    timeout: 180_000,
  }, async () => {
    const { code, out, err } = await runChild(['compare', '--quick', '--json'])
    expect(err).toBe('')
    expect(code).toBe(0)
    const document = compareDocument.parse(JSON.parse(out))
    expect(document.complete).toBe(true)
    expect(document.disagreements).toEqual([])
    expect(document.schemes.map((each) => each.name)).toEqual([...schemes].map((each) => each.name))
    for (const scheme of document.schemes) {
      expect(scheme.room.length, scheme.name).toBeGreaterThan(0)
      expect(scheme.probe.length, scheme.name).toBe(scheme.room.length)
      expect(scheme.cost.length, scheme.name).toBeGreaterThan(0)
      expect(scheme.boundaries.length, scheme.name).toBeGreaterThan(0)
    }
    const collides = document.schemes.some((scheme) => scheme.room.some((row) => row.cell === 'collides'))
    expect(collides).toBe(true)
    expect(document.limit.length).toBeGreaterThan(0)
    expect(document.pureJs.length).toBeGreaterThan(0)
  })
})

test('SIGINT ends a comparison with 130 and keeps what it has', { timeout: 180_000 }, async () => {
  const { code, out } = await runChild([...long, '--json'], (child) => {
    void signalAfter(child, 3, 'SIGINT')
  })
  expect(code).toBe(130)
  const document = compareDocument.parse(JSON.parse(out))
  expect(document.complete).toBe(false)
  expect(document.schemes[0]?.room.length).toBeGreaterThan(0)
})

test('--runs measures costs in processes of their own', { timeout: 180_000 }, async () => {
  const asked = ['compare', '--quick', '--runs', '2', '--schemes', 'refcount', '--layouts', 'linux-6.12', '--json']
  const { code, out, err } = await runChild(asked)
  expect(err).toBe('')
  expect(code).toBe(0)
  const document = compareDocument.parse(JSON.parse(out))
  expect(document.settings.runs).toBe(2)
  expect(document.schemes[0]?.room.length).toBeGreaterThan(0)
  for (const row of document.schemes[0]?.cost ?? []) expect(row.blocks).toHaveLength(2)
})
