import { describe, expect, test } from 'vitest'
import { runOps } from '../../../lib/engine/scenario/run.ts'

const mmap = { op: 'mmap', buf: 'a', pages: 4, kind: 'anon-private', prot: 'rw' }

describe('operations are checked before anything runs', () => {
  test.each([
    [{ ...mmap, buf: 'A' }, 'buf'],
    [{ ...mmap, buf: 'ab' }, 'buf'],
    [{ ...mmap, buf: 3 }, 'buf'],
    [{ ...mmap, pages: -1 }, 'pages'],
    [{ ...mmap, pages: 1.5 }, 'pages'],
    [{ ...mmap, pages: Number.NaN }, 'pages'],
    [{ ...mmap, pages: 2 ** 53 }, 'pages'],
    [{ ...mmap, pages: '4' }, 'pages'],
    [{ ...mmap, pages: 4n }, 'pages'],
    [{ ...mmap, kind: 'anon' }, 'kind'],
    [{ ...mmap, prot: 'x' }, 'prot'],
    [{ ...mmap, prot: 7 }, 'prot'],
    [{ ...mmap, colour: 'red' }, 'colour'],
    [{ ...mmap, proc: '' }, 'proc'],
    [{ op: 'mmap', buf: 'a', kind: 'anon-private', prot: 'rw' }, 'pages'],
    [{ op: 'fork', child: 7 }, 'child'],
    [{ op: 'madvise', buf: 'a', advice: 'please' }, 'advice'],
    [{ op: 'gup', buf: 'a', mode: 'pin', write: 2 }, 'write'],
    [{ op: 'snapshot', buf: 'a', dev: 4 }, 'dev'],
  ])('case %#', (op, field) => {
    expect(() => runOps([mmap, op as never])).toThrow(
      expect.objectContaining({
        code: 'ERR_PAGEBOX_SCENARIO',
        argument: expect.stringMatching(new RegExp(`^ops\\[1\\] .*\\.${field}$`)),
      }),
    )
  })

  test('an operation that no engine knows is unsupported, not skipped', () => {
    expect(runOps([mmap, { op: 'teleport', buf: 'a' }, { op: 'load', buf: 'a' }])).toEqual({
      results: [{ ret: 'ok' }, null, { v: [0, 0, 0, 0] }],
      unsupported: [1],
      effects: [null, null, null],
      audit: [],
    })
  })

  test('absurd sizes are refused by errno, and the machine stays usable', () => {
    for (const pages of [2 ** 40, Number.MAX_SAFE_INTEGER]) {
      const { results } = runOps([
        { ...mmap, pages },
        { ...mmap, buf: 'b' },
        { op: 'store', buf: 'b', value: 5 },
      ])
      expect(results[0]).not.toEqual({ ret: 'ok' })
      expect(results[2]).toEqual({ ret: 'ok' })
    }
  })

  test('a range that wraps or lies outside its slot is refused', () => {
    const { results } = runOps([mmap, { op: 'load', buf: 'a', page: Number.MAX_SAFE_INTEGER, n: 2 }])
    expect(results[1]).toMatchObject({ ret: 'EINVAL' })
  })
})

test('unpinning twice is refused, and a process that does not exist', () => {
  const { results } = runOps([
    mmap,
    { op: 'pin', id: 1, via: 'gup', buf: 'a', write: 1 },
    { op: 'unpin', id: 1 },
    { op: 'unpin', id: 1 },
    { op: 'load', buf: 'a', proc: 'nobody' },
  ])
  expect(results.slice(1, 4)).toEqual([{ ret: 'ok', pages: 4 }, { ret: 'ok' }, { ret: 'EINVAL' }])
  expect(results[4]).toMatchObject({ ret: 'EINVAL' })
})
