import { createHash } from 'node:crypto'
import { explore, type ReplayResult, replay, type Scenario, shrink } from 'pagebox'
import { describe, expect, test } from 'vitest'
import { timelineText } from '../../../lib/engine/explore/timelineText.ts'
import { changeWords, opWords, stepWords } from '../../../lib/engine/explore/timelineWords.ts'
import { timelinePage } from '../../../lib/report/timeline.ts'
import { broken, pinning } from './scenarios.ts'

async function found(scenario: Scenario, options: object): Promise<ReplayResult> {
  const { first } = await explore(scenario, { samples: 500, ...options })
  if (first[0] === undefined) throw new Error('nothing was found')
  return replay(first[0].token)
}
const short = await shrink((await found(pinning, broken)).token)

describe('in the terminal', () => {
  test('a column a thread, operations from their begin to their end, the step where it broke', () => {
    const text = timelineText(short)
    const lines = text.split('\n')
    expect(lines[0]).toBe("'two pin, one unpins' with flag-and-word on linux-6.12, quirks")
    expect(text).toContain('violation: pincount-exact at page ')
    expect(text).toContain('3 operations, 1 switch,')
    const head = lines.find((line) => /^ +one +two$/.test(line)) as string
    const column = head.indexOf('two')
    expect(lines.filter((line) => line.includes('┌ pin id ')).map((line) => line.indexOf('┌'))).toEqual(
      expect.arrayContaining([6, column]),
    )
    expect(lines.filter((line) => line.includes('└ pin: ok'))).toHaveLength(2)
    expect(lines.filter((line) => line.includes('✗'))).toHaveLength(2) // the legend, and the step
    expect(text).toMatch(/page \d+ _refcount: \d+ → \d+/)
    expect(text).toMatch(/steps? on the sandbox's own books not shown/)
  })

  test.each([40, 60, 72, 80, 200])('fits %d columns', (columns) => {
    for (const all of [true, false])
      for (const line of timelineText(short, { columns, all }).split('\n'))
        expect([...line].length, line).toBeLessThanOrEqual(columns)
  })

  test('with more threads than there are columns for, the names stand before', async () => {
    const threads = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => ({
      name,
      ops: pinning.threads[1]?.ops ?? [],
    }))
    const many = await found(
      { ...pinning, name: 'many', threads },
      { scheme: 'refcount-bias', quirks: ['put-for-unpin'], samples: 20 },
    )
    const text = timelineText(many)
    expect(text).toContain('a: pin id 2')
    for (const line of text.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80)
  })

  test('every step is there if all are asked for', () => {
    const text = timelineText(short, { all: true })
    for (const { number } of short.steps) expect(text).toMatch(new RegExp(`^ *✗?${number} `, 'm'))
    expect(text).not.toContain('not shown')
  })
})

describe('words', () => {
  const step = (part: object) =>
    ({
      number: 0,
      thread: 'a',
      access: 'change',
      place: 'page 5 word 0 flags',
      before: 1n,
      after: 2n,
      beforeText: '',
      afterText: '',
      lock: null,
      lockEvent: null,
      held: [],
      ...part,
    }) as ReplayResult['steps'][number]

  test('of flags say which were set and cleared', () => {
    expect(changeWords(step({ beforeText: 'locked|dirty', afterText: 'dirty|lru' }))).toBe('+lru -locked')
    expect(changeWords(step({ beforeText: 'no flag', afterText: 'no flag' }))).toBe('bits without a name')
  })
  test('of a lock say what is done to it', () => {
    expect(stepWords(step({ lock: 'lru_lock', lockEvent: 'takes' }))).toBe('takes lru_lock')
  })
  test('of a swap that failed, of what has no word', () => {
    expect(
      stepWords(step({ access: 'compare-and-swap', before: 3n, after: 3n, place: 'page 7 word 6 _refcount' })),
    ).toBe('fails to swap page 7 _refcount: 3')
    expect(stepWords(step({ access: 'wait', before: null, after: null, place: 'mmap_lock p' }))).toBe(
      'sleeps on mmap_lock p',
    )
    expect(stepWords(step({ access: 'yield', before: null, after: null, place: '' }))).toBe('yield')
  })
  test('of an operation are its fields', () => {
    expect(opWords('{"op":"pin","id":1,"via":"gup"}')).toBe('pin id 1 via gup')
    expect(opWords('no JSON')).toBe('no JSON')
  })
})

describe('as a page', () => {
  const page = timelinePage('explore x', [short])

  test('one file, whose policy names its one script by hash', () => {
    const [, hash] = /script-src 'sha256-([^']+)'/.exec(page.replaceAll('&#39;', "'")) ?? []
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, code]) => code as string)
    expect(scripts).toHaveLength(1)
    expect(
      createHash('sha256')
        .update(scripts[0] as string)
        .digest('base64'),
    ).toBe(hash)
    expect(page).toContain('default-src &#39;none&#39;')
    expect(page).not.toMatch(/(src|href)="(?!#)/)
  })

  test('a row for each step, and what the slider shows of it', () => {
    for (const { number } of short.steps) expect(page).toContain(`data-step="${number}"`)
    const [, json] = /<script type="application\/json">([\s\S]*?)<\/script>/.exec(page) ?? []
    const data = JSON.parse(json as string) as { text: string; broke: boolean; held: string[] }[]
    expect(data.map(({ text }) => text)).toEqual(short.steps.map(stepWords))
    expect(data.findIndex(({ broke }) => broke)).toBe(short.broke)
    expect(page).toContain(`max="${short.steps.length - 1}"`)
    expect(page).toContain(`pagebox replay ${short.token}`)
  })

  test('names are text wherever they stand', async () => {
    const evil = '</script><img src=x onerror=alert(1)>'
    const threads = pinning.threads.map(({ ops }, i) => ({ name: `${evil}${i}`, ops }))
    const page = timelinePage(evil, [await found({ ...pinning, name: evil, threads }, broken)])
    expect(page).not.toContain('<img')
    expect(page.match(/<\/script>/g)).toHaveLength(2)
  })

  test('of nothing says so', () => {
    expect(timelinePage('explore x', [])).toContain('No schedule ended badly')
  })
})
