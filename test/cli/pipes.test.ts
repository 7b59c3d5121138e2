import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { runChild } from './child.ts'
import { runCli } from './testIo.ts'

const folder = mkdtempSync(join(tmpdir(), 'pagebox-pipes-'))
afterAll(() => rmSync(folder, { recursive: true }))
const pipe = join(folder, 'pipe')
const hasPipes = spawnSync('mkfifo', [pipe]).status === 0

describe.skipIf(!hasPipes)('a pipe to which nobody writes', () => {
  // Side by side: they do nothing but wait.
  test.concurrent.each([
    ['decode --file', ['decode', '--file', pipe]],
    ['conform', ['conform', pipe]],
  ])('%s is ended by a signal', { timeout: 60_000 }, async (_name, args) => {
    const { code, signal } = await runChild(args, (child) => {
      setTimeout(() => child.kill('SIGTERM'), 5000)
      // Only the first one is to be needed.
      setTimeout(() => child.kill('SIGKILL'), 30_000).unref()
    })
    expect({ code, signal }).toEqual({ code: 143, signal: null })
  })

  test('is no baseline', async () => {
    const { code, err } = await runCli(['compare', '--quick', '--baseline', pipe])
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('no regular file') })
  })
})

test.each([
  ['gzip', [0x1f, 0x8b, 8, 0, 0, 0]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd, 4]],
  ['bzip2', [...Buffer.from('BZh91AY&SY')]],
])('a log that is compressed with %s is said to be', async (name, bytes) => {
  const file = join(folder, `log.${name}`)
  writeFileSync(file, Buffer.from(bytes))
  const { code, err } = await runCli(['decode', '--file', file])
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('is compressed: unpack it first') })
})
