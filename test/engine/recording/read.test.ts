import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { parseRecording, readRecordings } from '../../../lib/engine/recording/read.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-recordings-'))
afterAll(() => rmSync(folder, { recursive: true }))

const good = '{"name":"a","ops":[{"op":"load","buf":"a"}],"results":[{"v":[0]}]}'

async function read(name: string, content: string | Uint8Array): Promise<string[]> {
  const path = join(folder, name)
  writeFileSync(path, content)
  const names: string[] = []
  for await (const recording of readRecordings(path)) names.push(recording.name)
  return names
}

const bad = (pattern: RegExp) =>
  expect.objectContaining({ code: 'ERR_PAGEBOX_RECORDING', message: expect.stringMatching(pattern) })

describe('a file of recordings', () => {
  test('is read line by line, gzipped or not', async () => {
    expect(await read('two.jsonl', `${good}\n\n${good}\n`)).toEqual(['a', 'a'])
    expect(await read('two.jsonl.gz', gzipSync(`${good}\n${good}`))).toEqual(['a', 'a'])
  })

  test.each([
    ['cut.jsonl', `${good}\n${good.slice(0, 30)}`, /cut\.jsonl:2: not JSON, or cut off/],
    ['text.jsonl', 'hello', /not JSON/],
    ['empty.jsonl', '', /empty/],
    ['null.jsonl', 'null', /not a recording of this format/],
    ['other.jsonl', '{"version":2,"name":"a","ops":[],"results":[]}', /not a recording of this format/],
    ['nameless.jsonl', '{"ops":[],"results":[]}', /name/],
    ['uneven.jsonl', '{"name":"a","ops":[{"op":"load"}],"results":[]}', /1 operations but 0 results/],
    ['cut.jsonl.gz', gzipSync(`${good}\n`.repeat(2000)).subarray(0, 60), /unexpected end|cut/],
    ['plain.jsonl.gz', good, /header/],
  ])('%s is refused, and the message says where', async (name, content, pattern) => {
    await expect(read(name, content)).rejects.toEqual(bad(pattern))
  })

  test('that does not exist is refused', async () => {
    for (const name of ['none.jsonl', 'none.jsonl.gz'])
      await expect(readRecordings(join(folder, name)).next()).rejects.toEqual(bad(/ENOENT/))
  })
})

test('parseRecording names file and line', () => {
  expect(() => parseRecording('[', 'x:7')).toThrow(bad(/^x:7/))
})
