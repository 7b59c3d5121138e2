import { describe, expect, test } from 'vitest'
import { explain } from '../../../lib/engine/recording/explain.ts'

const page = (kf: string, mc = 1) => ({ st: 'present', ex: mc === 1 ? 1 : 0, file: 0, sd: 1, mc, kf })
const listed = page('LRU|ANON|MMAP')

describe('a list of pages', () => {
  const expected = { pages: [listed, listed] }
  const off = { pages: [page('ANON|MMAP'), listed] }

  test('is explained where the effect happened to the page that differs', () => {
    expect(explain(expected, off, { all: ['lru-clear'], pages: [['lru-clear'], []] }, 2)).toEqual(['lru-clear'])
  })

  test('is not explained by what happened to its neighbour', () => {
    expect(explain(expected, off, { all: ['lru-clear'], pages: [[], ['lru-clear']] }, 2)).toEqual([])
    expect(explain(expected, off, { all: ['lru-skipped'], pages: [[], ['lru-skipped']] }, 2)).toEqual([])
  })

  test('is not explained if one difference of two is', () => {
    const both = { pages: [page('ANON|MMAP'), page('LRU|MMAP')] }
    expect(explain(expected, both, { all: ['lru-clear'], pages: [['lru-clear'], []] }, 2)).toEqual([])
  })

  test('is not explained by what an observer sees, in any other field', () => {
    const effects = { all: ['lru-clear'], pages: [['lru-clear'], []] }
    expect(explain(expected, { pages: [page('ANON'), listed] }, effects, 2)).toEqual([])
    expect(explain(expected, { pages: [page('LRU|ANON|MMAP', 2), listed] }, effects, 2)).toEqual([])
    const raised = { all: ['mapcount-raised'], pages: [['mapcount-raised'], []] }
    expect(explain(expected, { pages: [page('LRU|ANON|MMAP', 2), listed] }, raised, 2)).toEqual(['mapcount-raised'])
    expect(explain(expected, { pages: [page('LRU|MMAP', 2), listed] }, raised, 2)).toEqual([])
  })

  test('of another length is not explained', () => {
    expect(explain(expected, { pages: [listed] }, { all: ['lru-skipped'], pages: [['lru-skipped']] }, 2)).toEqual([])
  })

  test('is explained in any field by an effect that lasts', () => {
    const swapped = { pages: [{ st: 'swap', sd: 1 }, listed] }
    const effects = { all: ['lru-skipped'], pages: [['lru-skipped'], []] }
    expect(explain(swapped, expected, effects, 2)).toEqual(['lru-skipped'])
  })
})

describe('any other result', () => {
  test('is explained by what happened to the pages that it works on', () => {
    const effects = { all: ['pin-refused'], pages: [['pin-refused']] }
    expect(explain({ ret: 'ok', pages: 1 }, { ret: 'EOPNOTSUPP' }, effects, 2)).toEqual(['pin-refused'])
  })

  test('is not explained by what only an observer of page flags sees', () => {
    const effects = { all: ['lru-clear'], pages: [['lru-clear']] }
    expect(explain({ v: [1] }, { v: [2] }, effects, 2)).toEqual([])
  })

  test('is not explained without an effect', () => {
    expect(explain({ ret: 'ok' }, { ret: 'EBUSY' }, null, 2)).toEqual([])
  })
})
