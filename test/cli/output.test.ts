import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Output } from '../../lib/cli/output.ts'
import { foreign, foreignLines } from '../../lib/cli/text/foreign.ts'
import { runChild, signalAfter } from './child.ts'
import { cliForShell } from './command.ts'
import { runCli } from './testIo.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pagebox-output-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const recordings = gunzipSync(readFileSync(new URL('../vectors/handwritten.jsonl.gz', import.meta.url)))

describe('an output is there whole or not at all', () => {
  test('results over the recording that they are of', async () => {
    const file = join(folder, 'r.jsonl')
    writeFileSync(file, recordings)
    const { code, out } = await runCli(['conform', file, '--results', file])
    expect(code).toBe(0)
    expect(out).toMatch(/agree in every operation/)
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    expect(lines).toHaveLength(recordings.toString().trim().split('\n').length)
    expect(readdirSync(folder)).toEqual(['r.jsonl'])
  })

  test('a recording that cannot be read leaves the old results', async () => {
    const results = join(folder, 'results.jsonl')
    writeFileSync(results, 'old')
    writeFileSync(join(folder, 'bad.jsonl'), `${recordings.toString().split('\n')[0]}\nnot JSON\n`)
    const { code } = await runCli(['conform', join(folder, 'bad.jsonl'), '--results', results])
    expect(code).toBe(2)
    expect(readFileSync(results, 'utf8')).toBe('old')
    expect(readdirSync(folder).sort()).toEqual(['bad.jsonl', 'results.jsonl'])
  })

  test('an unknown scheme leaves no report of zero bytes', async () => {
    const html = join(folder, 'report.html')
    expect((await runCli(['compare', '--quick', '--schemes', 'nosuch', '--html', html])).code).toBe(2)
    expect(existsSync(html)).toBe(false)
  })

  test('a link stays a link, and a file that is discarded stays what it was', () => {
    const file = join(folder, 'file')
    const link = join(folder, 'link')
    writeFileSync(file, 'old')
    symlinkSync(file, link)
    const first = new Output(link)
    first.write('new')
    first.discard()
    expect(readFileSync(file, 'utf8')).toBe('old')
    const second = new Output(link)
    second.write('new')
    second.commit()
    second.discard()
    expect(readFileSync(file, 'utf8')).toBe('new')
    expect(readdirSync(folder).sort()).toEqual(['file', 'link'])
  })

  test('a pipe and a device are written, not replaced', () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const main = join(import.meta.dirname, '../../lib/cli/output.ts')
    const script = `import { Output } from ${JSON.stringify(main)}; const o = new Output(process.argv[1]); o.write('x'.repeat(100)); o.commit()`
    const { stdout } = spawnSync(
      'bash',
      ['-c', `cat ${folder}/pipe & "$0" --import tsx -e "$1" ${folder}/pipe; wait`, process.execPath, script],
      { encoding: 'utf8' },
    )
    expect(stdout).toBe('x'.repeat(100))
    expect(readdirSync(folder)).toEqual(['pipe'])
  })

  test('what cannot be written is named, with its errno, before the work', async () => {
    mkdirSync(join(folder, 'd'))
    for (const [file, errno] of [
      [join(folder, 'no', 'such', 'place'), 'ENOENT'],
      [join(folder, 'd'), 'EISDIR'],
    ] as const) {
      const { code, err } = await runCli(['compare', '--quick', '--csv', file])
      expect(code).toBe(2)
      expect(err).toContain(`cannot write ${file}: ${errno}`)
    }
  })
})

describe('exit codes', () => {
  test('a full device is the caller’s matter: exit 2, without a stack', { timeout: 60_000 }, async () => {
    const file = join(folder, 'r.jsonl')
    writeFileSync(file, recordings)
    const { code, err } = await runCli(['conform', file, '--results', '/dev/full'])
    expect(code).toBe(2)
    expect(err).toContain('cannot write /dev/full: ENOSPC')
    expect(err).not.toMatch(/\n\s+at /)
    const { status, stderr } = spawnSync('bash', ['-c', `${cliForShell} schemes > /dev/full`], {
      encoding: 'utf8',
    })
    expect(stderr).toContain('cannot write standard output')
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(status).toBe(2)
  })

  test('a recording that is nested without end is the file’s fault', async () => {
    const file = join(folder, 'deep.jsonl')
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    writeFileSync(file, `{"name":"x","ops":[{"op":"load","deep":${deep}}],"results":[{"ret":"ok"}]}\n`)
    const { code, err } = await runCli(['conform', file, '--results', join(folder, 'out')])
    expect(code).toBe(2)
    expect(err).toContain('nested more than')
  })

  test('a line without end is the file’s fault', { timeout: 120_000 }, () => {
    const script = `head -c 300000000 /dev/zero | tr '\\0' a | ${cliForShell} conform /dev/stdin`
    const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
    expect(stderr).toContain('a line of more than')
    expect(status).toBe(2)
  })

  test('SIGTERM: what was measured is printed, and 143', { timeout: 60_000 }, async () => {
    const ran = await runChild(['stress', 'pins', '--seconds', '40', '--threads', '1', '--json'], (child) => {
      void signalAfter(child, 2, 'SIGTERM')
    })
    expect(ran.err).toContain('stopping')
    expect(ran.code).toBe(143)
    const result = JSON.parse(ran.out)
    expect(result.complete).toBe(false)
    expect(result.ops[0].ops).toBeGreaterThan(0)
  })
})

describe('text of somebody else', () => {
  test('obeys no terminal', () => {
    expect(foreign('a\u001b[31mb\u0007\u009b\u202e\r\n')).toBe('a\\x1b[31mb\\x07\\x9b\\u202e\\x0d\\x0a')
    expect(foreignLines('a\nb\u001bc')).toBe('a\nb\\x1bc')
    expect(foreign('größe ✓')).toBe('größe ✓')
  })

  test('a scenario’s name, and a file’s', async () => {
    const file = join(folder, 'bad\u001b[2J.json')
    writeFileSync(file, '{"name":"x\u001b[31m", "threads": 3}'.replace('\u001b', '\\u001b'))
    const { err, code } = await runCli(['stress', file])
    expect(code).toBe(2)
    expect(err).not.toContain('\u001b')
    const recording = join(folder, 'r.jsonl')
    writeFileSync(recording, '{"name":"n\\u001b[31m","ops":[{"op":"o\\u001b[31m"}],"results":[{}]}\n')
    const ran = await runCli(['conform', recording])
    expect(ran.out + ran.err).not.toContain('\u001b')
  })
  test.each([
    [['layout', '--orders', '\u001b[2J,x']],
    [['\u001b[2J']],
    [['stress', '--\u001b[2J']],
    [['schemes', 'a', '\u001b[2J']],
  ])('what was typed: %j', async (args) => {
    const { out, err, code } = await runCli(args)
    expect(code).toBe(2)
    expect(out + err).not.toContain('\u001b')
  })
})
