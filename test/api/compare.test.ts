import { type CompareOptions, compare, compareWithBaseline, PageboxError, schemes } from 'pagebox'
import { describe, expect, test } from 'vitest'

const small: CompareOptions = { effort: 'quick', schemes: ['refcount-bias', 'lru-overlay'], layouts: ['linux-6.12'] }

const errorOf = async (call: () => Promise<unknown>): Promise<PageboxError | undefined> => {
  try {
    await call()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(PageboxError)
    return error as PageboxError
  }
}

describe('compare()', () => {
  test('gives the document that the command line prints, and a baseline of it', { timeout: 120_000 }, async () => {
    const own = schemes.define({ name: 'mine', protocol: 'external', place: 'side-table' })
    const document = await compare({ ...small, schemes: ['refcount-bias', own] })
    expect(document.stoppedBy).toBe('end')
    expect(document.settings.costLayout).toBe('linux-6.12')
    expect(document.schemes.map(({ name }) => name)).toEqual(['refcount-bias', 'mine'])
    const [bias, mine] = document.schemes
    expect(bias?.definition).toBeNull()
    expect(mine?.definition).toMatchObject({ name: 'mine', protocol: 'external', place: 'side-table' })
    expect(mine?.bytesPerPage).toBe(4)
    expect(mine?.cost[0]?.samples?.length).toBeGreaterThan(0)
    // Declared again, under another name, it is the same scheme.
    const again = schemes.define({ ...mine?.definition, name: 'mine-again' } as never)
    expect({ ...again, name: 'mine', definition: { ...again.definition, name: 'mine' } }).toEqual(own)

    const report = await compareWithBaseline(document, document)
    expect(report.worse).toBe(false)
    expect(report.differences.length).toBeGreaterThan(5)
  })

  test('an abort resolves with what there is', { timeout: 60_000 }, async () => {
    const document = await compare({ ...small, signal: AbortSignal.timeout(300) })
    expect(document.stoppedBy).toBe('abort')
    expect(document.complete).toBe(false)
  })

  test('tells how far it is, and what is left', { timeout: 60_000 }, async () => {
    const abort = new AbortController()
    const told: string[] = []
    await compare({
      ...small,
      signal: abort.signal,
      progressIntervalMs: 1,
      onProgress: ({ done, total, what }) => {
        expect(total).toBeGreaterThanOrEqual(done)
        told.push(what)
        if (told.length === 5) abort.abort()
      },
    })
    expect(told.length).toBeGreaterThanOrEqual(5)
  })

  test.each([
    ['options', 7, 'ERR_PAGEBOX_ARG_TYPE'],
    ['options.effort', { effort: 'hasty' }, 'ERR_PAGEBOX_ARG_RANGE'],
    ['options.schemes', { schemes: 'refcount' }, 'ERR_PAGEBOX_ARG_TYPE'],
    ['options.schemes', { schemes: [] }, 'ERR_PAGEBOX_ARG_RANGE'],
    ['options.schemes[1]', { schemes: ['refcount', 'nosuch'] }, 'ERR_PAGEBOX_SCHEME_UNKNOWN'],
    ['options.layouts[0]', { layouts: ['linux-1.0'] }, 'ERR_PAGEBOX_LAYOUT_UNKNOWN'],
    ['options.costLayout', { costLayout: null }, 'ERR_PAGEBOX_ARG_TYPE'],
    ['options.seed', { seed: -1 }, 'ERR_PAGEBOX_ARG_RANGE'],
    ['options.seed', { seed: '1' }, 'ERR_PAGEBOX_ARG_TYPE'],
    ['options.signal', { signal: {} }, 'ERR_PAGEBOX_ARG_TYPE'],
  ])('refuses %s of %o', async (argument, value, code) => {
    const error = await errorOf(() => compare(value as never))
    expect(error?.code).toBe(code)
    expect(error?.argument).toBe(argument)
  })

  test('refuses an option that does not exist', async () => {
    expect((await errorOf(() => compare({ scheme: 'refcount' } as never)))?.code).toMatch(/^ERR_PAGEBOX_/)
  })
})

describe('compareWithBaseline()', () => {
  test.each([[undefined], [null], [{}], ['{}'], [{ documentVersion: 1 }]])('refuses %o', async (value) => {
    const error = await errorOf(() => compareWithBaseline(value as never, value as never))
    expect(error?.code).toBe('ERR_PAGEBOX_ARG_TYPE')
    expect(error?.argument).toBe('before')
  })

  test.each([[-1], [2], [Number.NaN], ['5%']])('refuses a smallest effect of %o', async (smallestEffect) => {
    const error = await errorOf(() => compareWithBaseline({} as never, {} as never, { smallestEffect } as never))
    expect(error?.argument).toBe('options.smallestEffect')
  })
})
