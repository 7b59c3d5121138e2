import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { layouts, type Scenario, schemes } from 'pagebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { oneSchedule } from '../../lib/engine/explore/replay.ts'
import { tokenOf } from '../../lib/engine/explore/subject.ts'
import { readScenario } from '../../lib/engine/scenario/readScenario.ts'
import { kernel } from '../btf/kernel.ts'
import { cliForShell } from './command.ts'
import { mine } from './ownFiles.ts'
import { runCli } from './testIo.ts'

// Every example of every help text does what it says: it is run, with less time, in a folder that has the
// files it names.

const root = join(import.meta.dirname, '../..')
const commands = [
  '',
  'compare',
  'search',
  'layout',
  'decode',
  'stress',
  'explore',
  'replay',
  'zoo',
  'conform',
  'merge',
  'schemes',
  'scenarios',
  'completion',
]

interface Example {
  readonly command: string
  readonly text: string
  /** What the help says of it, behind it. */
  readonly says: string
}

async function examplesOf(command: string): Promise<Example[]> {
  const { out } = await runCli(command === '' ? ['--help'] : [command, '--help'])
  return [...out.matchAll(/^ {2}\$ (.+)$/gm)].map(([, line]) => {
    const [text, says] = (line as string).split(/ {3,}/)
    return { command, text: text as string, says: says ?? '' }
  })
}

const examples = (await Promise.all(commands.map(examplesOf))).flat()

/** The same in seconds instead of minutes. */
function shorter({ text }: Example): string {
  if (/\bstress\b/.test(text)) {
    if (text.includes('--until-fail')) return text
    return /--(seconds|hours) \d+/.test(text)
      ? text.replace(/--(seconds|hours) \d+/, '--seconds 0.2')
      : `${text} --seconds 0.2`
  }
  if (/^pagebox schemes --explore\b/.test(text))
    return text.includes('--seconds') ? text.replace(/--seconds \d+/, '--seconds 1') : `${text} --seconds 1`
  if (text === 'pagebox zoo') return `${text} single-flag`
  if (/^pagebox explore\b/.test(text))
    return /--samples \d+/.test(text) ? text.replace(/--samples \d+/, '--samples 100') : `${text} --samples 100`
  if (!/\bcompare\b/.test(text)) return text
  const less = text.replace('compare', 'compare --quick').replace('--quick --quick', '--quick')
  return /--(schemes|layouts)/.test(text)
    ? less
    : less.replace('--quick', '--quick --schemes refcount --layouts linux-6.12')
}

const ok = { ret: 'ok' }
/** What a kernel gave of two stores to a page. */
const concurrent = {
  id: 'two stores',
  kind: 'outcomes',
  kernel: '7.2',
  setup: [{ op: 'mmap', buf: 'a', pages: 1, kind: 'anon-private', prot: 'rw' }],
  setup_results: [ok],
  threads: [20, 30].map((value) => ({ proc: 'p', ops: [{ op: 'store', buf: 'a', value }] })),
  after: [{ op: 'load', buf: 'a' }],
  seen: [20, 30].map((word) => ({ count: 1, results: [[ok], [ok]], after: [{ v: [word] }] })),
}

let folder = ''
let token = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pagebox-help-'))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'pagebox'), `#!/bin/sh\nexec ${cliForShell} "$@"\n`, { mode: 0o755 })
  const words = 'raw: 0017ffffc0000000 dead000000000100 dead000000000122 0000000000000000'
  const more = 'raw: 00000000000007f1 0000000000000000 00000000ffffffff 0000000000000000'
  writeFileSync(join(bin, 'dmesg'), `#!/bin/sh\necho '${words}'\necho '${more}'\necho 'raw: 0'\n`, { mode: 0o755 })
  const vectors = join(root, 'test/vectors')
  mkdirSync(join(folder, 'recordings'))
  copyFileSync(join(vectors, 'handwritten.jsonl.gz'), join(folder, 'recordings/handwritten.jsonl.gz'))
  copyFileSync(join(vectors, 'random-simple.jsonl.gz'), join(folder, 'random.jsonl.gz'))
  writeFileSync(join(folder, 'handwritten.jsonl'), gunzipSync(readFileSync(join(vectors, 'handwritten.jsonl.gz'))))
  writeFileSync(join(folder, 'concurrent-A.jsonl.gz'), gzipSync(`${JSON.stringify(concurrent)}\n`))
  writeFileSync(
    join(folder, 'console.log'),
    'page:0000000000000000 refcount:1 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x12345\n' +
      'raw: 0017ffffc0000000 dead000000000100 dead000000000122 0000000000000000\n' +
      'raw: 0000000000000000 0000000000000000 00000001ffffffff 0000000000000000\n',
  )
  writeFileSync(join(folder, 'vmlinux.btf'), kernel().toBuffer())
  writeFileSync(join(folder, 'mine.json'), JSON.stringify(mine))
  const ops = [{ op: 'compact' }]
  const scenario = { name: 'mine', threads: ['parent', 'child'].map((name) => ({ name, ops })) } as unknown as Scenario
  writeFileSync(join(folder, 'my-scenario.json'), JSON.stringify(scenario))
  writeFileSync(join(folder, 'my-scenario.ts'), `export default ${JSON.stringify(scenario)}\n`)
  const [scheme, layout] = [schemes.get('refcount-bias'), layouts.get('linux-6.12')]
  const behaviour = { rules: '', quirks: [], options: [] }
  const of = {
    read: readScenario(scenario),
    scheme,
    layout,
    behaviour,
    threads: 2,
    ops: 1,
    workloadSeed: 1n,
    maxSteps: 0,
  }
  const { choices } = await oneSchedule('shrink', of, 0, [], undefined)
  token = tokenOf(of, 0, choices)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('there are examples, and each begins with what is installed', () => {
  expect(examples.length).toBeGreaterThan(20)
  for (const { text } of examples) expect(text).toMatch(/^(pagebox |dmesg \|)/)
})

/** Two helps may show the same line, and two lines be the same once they are shorter: it runs once. */
const distinct = [...new Map(examples.map((example) => [shorter(example), example])).values()]

// One file: `--baseline old.json` needs what `> old.json` has written.
test.each(distinct.map((example) => [example.text, example] as const))(
  '$ %s',
  { timeout: 180_000 },
  (_text, example) => {
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-o', 'pipefail', '-c', shorter(example).replace('TOKEN', token)],
      {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, NO_COLOR: '1' },
        timeout: 150_000,
      },
    )
    expect(stderr).not.toMatch(/internal error|error: /)
    if (example.text.includes('--until-fail')) {
      expect(status, stdout).toBe(1)
      expect(stdout).toMatch(/not hold what|that no kernel would write/)
      expect(stdout).toContain('to repeat it:')
    } else {
      expect(status, stdout + stderr).toBe(0)
      expect(stdout.length + (example.text.includes('>') ? 1 : 0)).toBeGreaterThan(0)
    }
  },
)
