import { expect, test } from 'vitest'
import { isRun, readPages, whereOf } from './pages.ts'

const blocks = readPages().flatMap((page) => page.blocks)

test('blocks are of a language that is run, or are text', () => {
  const known = ['ts', 'js', 'sh', 'json', 'text']
  expect(blocks.filter(({ language }) => !known.includes(language)).map(whereOf)).toEqual([])
})

test('blocks of JSON are JSON', () => {
  for (const { language, lines } of blocks)
    if (language === 'json') expect(() => JSON.parse(lines.join('\n'))).not.toThrow()
})

test('blocks that do not run say why, and are rare', () => {
  const idle = blocks.filter((block) => !isRun(block))
  expect(idle.filter(({ info }) => !/^no-run \(.+\)$/.test(info)).map(whereOf)).toEqual([])
  const runnable = blocks.filter(({ language }) => language !== 'text' && language !== 'json')
  expect(idle.length).toBeLessThanOrEqual(runnable.length / 10)
})
