import { layouts, schemes } from 'pagebox'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { readModule } from '../../lib/cli/own/readModule.ts'
import { mine, ownFolder } from './ownFiles.ts'
import { runCli } from './testIo.ts'

// A file is evaluated in a process of its own, which begins in a third of the time where it is compiled.
vi.mock('../../lib/cli/own/evaluator.ts', (original) =>
  process.env.PAGEBOX_TEST_DIST === '1'
    ? import(/* @vite-ignore */ new URL('../../dist/cli/own/evaluator.js', import.meta.url).href)
    : original(),
)

const { folder, write, remove } = ownFolder()
afterAll(remove)

/** A built-in layout as a definition of another name. */
function layout(name: string): object {
  const derived = ['builtin', 'highFields', 'freeFlagBits', 'lowestFreeFlagBit', 'ownCounterStrideBytes']
  const said = Object.entries(layouts.get('linux-6.12')).filter(([key]) => !derived.includes(key))
  return { ...Object.fromEntries(said), name }
}

const exportsOf = (text: string): string => `export default ${text}\n`
const asJson = JSON.stringify(mine)

describe('a scheme from a file', () => {
  test.each([
    ['one scheme, JSON', 'one.json', asJson],
    ['JSON with a byte order mark', 'bom.json', `\ufeff${asJson}`],
    ['an array', 'array.json', JSON.stringify([mine])],
    ['an object with schemes', 'object.json', JSON.stringify({ schemes: [mine], layouts: [] })],
    ['an ES module', 'module.mjs', exportsOf(asJson)],
    ['a script of a folder without package.json', 'script.js', exportsOf(asJson)],
    ['CommonJS', 'common.cjs', `module.exports = ${asJson}`],
    [
      'TypeScript with types, an enum and the package itself',
      'typed.ts',
      `import { defineConfig, type SchemeDefinition } from 'pagebox'
       enum Bits { Count = 8 }
       const scheme: SchemeDefinition = { ...(${asJson} as const), countBits: Bits.Count satisfies number }
       export default defineConfig({ schemes: [scheme] })`,
    ],
    ['a promise', 'later.mts', exportsOf(`Promise.resolve([${asJson}])`)],
  ])('%s', async (_what, name, content) => {
    const { code, out, err } = await runCli(['schemes', 'mine', '--scheme-file', write(name, content), '--json'])
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(JSON.parse(out).schemes[0]).toMatchObject({
      name: 'mine',
      countBits: 8,
      atLimit: 'saturate',
      builtin: false,
    })
  })

  test('may import another one, and print', async () => {
    write('parts.ts', `export const bits: number = 8`)
    const file = write(
      'whole.ts',
      `import { bits } from './parts.ts'; console.log('read\\x1b[31m'); export default { ...${asJson}, countBits: bits }`,
    )
    const { code, out, err } = await runCli(['schemes', '--scheme-file', file])
    expect(code).toBe(0)
    expect(out).toContain('mine')
    expect(err).toBe('read\\x1b[31m\n')
  })

  test('is gone after the command, and so can be edited and read again', async () => {
    const file = write('edited.json', mine)
    for (const countBits of [8, 7]) {
      write('edited.json', { ...mine, countBits })
      const { out } = await runCli(['schemes', 'mine', '--scheme-file', file, '--json'])
      expect(JSON.parse(out).schemes[0].countBits).toBe(countBits)
    }
    expect(schemes.has('mine')).toBe(false)
  })

  test('with layouts, from several files', async () => {
    const a = write('layouts.json', { layouts: [layout('my-kernel')] })
    const b = write('scheme.json', mine)
    const { code, out } = await runCli([
      'layout',
      'my-kernel',
      '--scheme',
      'mine',
      '--scheme-file',
      a,
      '--scheme-file',
      b,
    ])
    expect(code).toBe(0)
    expect(out).toContain('my-kernel')
    expect((await runCli(['layout', 'my-kernel'])).code).toBe(2)
  })

  test('is printed with its definition, which defines the same scheme again', async () => {
    const file = write('printed.json', mine)
    const { out } = await runCli(['schemes', 'mine', '--scheme-file', file])
    expect(out).toContain('mine (your own): eight bits of page->flags that saturate')
    expect(out).toContain('word 0, the lowest 8 free bits in a row (8 bits)')
    expect(out).toContain('stays full from then on')
    expect(out).toContain('ever-pinned: a free bit of word 0, set by first-pin, cleared by nothing but freeing')
    const printed = JSON.parse(out.slice(out.indexOf('{')))
    const again = await runCli(['schemes', 'mine', '--scheme-file', write('again.json', printed)])
    expect(again.out).toBe(out)
  })
})

describe('a file that says nothing good', () => {
  const bad = (part: object): string => JSON.stringify({ ...mine, ...part })
  test.each([
    ['no-such.json', undefined, 'there is no such file; give a file that ends in .json'],
    ['scheme.yaml', 'name: mine', 'its name says no format; give a file that ends in .json'],
    ['cut.json', asJson.slice(0, -9), 'it is no JSON'],
    ['empty.json', '', 'it is no JSON'],
    ['null.json', 'null', 'it says nothing; it holds a scheme'],
    ['number.json', '42', 'it says nothing; it holds a scheme'],
    [
      'typo.json',
      '{"scheems": []}',
      `has no property 'scheems'; it has 'schemes' or 'layouts'; did you mean 'schemes'?`,
    ],
    ['field.json', bad({ countBit: 8 }), `the scheme has no property 'countBit'`],
    ['offer.json', bad({ countBit: 8 }), `did you mean 'countBits'?`],
    ['protocol.json', bad({ protocol: 'packed-wrod' }), `did you mean 'packed-word'?`],
    ['event.json', bad({ states: [{ name: 'a', bit: 30, set: 'frist-pin' }] }), `the scheme.states[0].set must be`],
    ['width.json', bad({ countBits: 200 }), 'the scheme.countBits must be an integer from 0 to 64; got 200'],
    [
      'text.json',
      JSON.stringify([mine, { ...mine, name: 'other', countBits: '8' }]),
      `schemes[1].countBits must be an integer`,
    ],
    ['core.json', bad({ countWord: 2 }), `countShift: 'lowest-free' is for protocol packed-word in word 0`],
    ['twice.json', JSON.stringify([mine, mine]), `schemes[1]: scheme 'mine' is defined twice; the other one is in`],
    ['taken.json', bad({ name: 'refcount' }), `the scheme.name must be a name that is not taken`],
    ['escape.json', bad({ name: 'a\u001b[31m' }), 'the scheme.name must be a name of 1 to 64 characters'],
    ['summary.json', bad({ summary: 'a\nb' }), 'the scheme.summary must be a line of at most 500 characters'],
    ['formula.json', bad({ name: '=1+1' }), 'the scheme.name must be a name of 1 to 64 characters'],
    [
      'markup.json',
      bad({ states: [{ name: '<b>', bit: 30, set: 'pin' }] }),
      'the scheme.states[0].name must be a name',
    ],
    ['proto.json', '{"protocol": "add", "__proto__": {}, "name": "x"}', `no property '__proto__'`],
    ['throws.mjs', `throw new RangeError('on purpose')`, 'it throws RangeError: on purpose'],
    ['throws-text.mjs', `throw 'a word'`, 'it throws a word'],
    ['rejects.mjs', exportsOf(`Promise.reject(new Error('later'))`), 'it throws Error: later'],
    ['syntax.ts', 'export default {', 'it throws'],
    ['other.ts', 'export const scheme = 1', `has no property 'scheme'; it has 'schemes' or 'layouts'`],
    ['nothing.ts', 'export {}', 'it says nothing; it holds a scheme'],
    ['nothing.json', '{}', 'it says nothing; it holds a scheme'],
    ['function.ts', exportsOf('() => 1'), 'the default export is a function, and no plain data'],
    ['method.ts', exportsOf(`{ ...${asJson}, name() {} }`), `'name' is a function, and no plain data`],
    ['getter.ts', exportsOf(`{ get name() { throw new Error('no') } }`), 'it throws Error: no'],
    ['cycle.ts', 'const a = {}; a.a = a; export default a', 'it throws TypeError: Converting circular'],
    ['exits.mjs', 'process.exit(0)', 'it ends the process, with exit code 0'],
    ['killed.mjs', `process.kill(process.pid, 'SIGTERM')`, 'it ends by SIGTERM'],
    ['missing.ts', `import './no-such.ts'; export default {}`, 'it throws'],
    ['never.mjs', 'await new Promise(() => {}); export default {}', 'it awaits what never comes'],
    ['liar.mjs', `process.send({ json: '{' }); export default {}`, 'it does not export plain data'],
  ])('%s', async (name, content, says) => {
    const file = content === undefined ? `${folder}/${name}` : write(name, content)
    const { code, out, err } = await runCli(['schemes', '--scheme-file', file])
    expect(err).toContain(says)
    expect(err).toContain(file)
    expect(err).toContain('[ERR_PAGEBOX_DEFINITIONS]')
    expect(err.trim().split('\n')).toHaveLength(1)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(schemes.names).toHaveLength(11)
  })

  test('a folder, a device and a gigantic file are not read', async () => {
    for (const file of [`${folder}`, '/dev/zero']) {
      const { code, err } = await runCli(['schemes', '--scheme-file', file])
      expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('its name says no format') })
    }
    const large = write('large.json', ' '.repeat(2 ** 20 + 1))
    expect((await runCli(['schemes', '--scheme-file', large])).err).toContain('at most 1048576 are read')
  })

  test.each([
    ['loops', 'for (;;);'],
    ['waits', `setInterval(() => {}, 1000); await new Promise(() => {})`],
    ['loops when it is read', 'export default { get name() { for (;;); } }'],
  ])('one that %s is stopped in time', async (what, content) => {
    const file = write(`${what.replaceAll(' ', '-')}.mjs`, content)
    const { signal } = new AbortController()
    const begin = performance.now()
    await expect(readModule(file, { signal, print() {}, limitSeconds: 1 })).rejects.toThrow(
      /it does not end within 1 seconds; it holds a scheme/,
    )
    expect(performance.now() - begin).toBeLessThan(60_000)
  })

  test('one that takes all memory is stopped', async () => {
    const file = write('memory.mjs', 'const all = []; for (;;) all.push(new Array(1e6).fill(all.length))')
    const { signal } = new AbortController()
    await expect(readModule(file, { signal, print() {}, limitSeconds: 60 })).rejects.toThrow(/512 MiB|ends by/)
  }, 90_000)

  test('memory outside of the heap counts', { timeout: 90_000 }, async () => {
    const file = write('buffers.mjs', 'const all = []; for (;;) all.push(Buffer.alloc(2 ** 26, 1))')
    const { signal } = new AbortController()
    await expect(readModule(file, { signal, print() {}, limitSeconds: 60 })).rejects.toThrow(/MiB of memory|ends by/)
  })

  test('one that leaves a process behind is not waited for', { timeout: 60_000 }, async () => {
    const { signal } = new AbortController()
    const behind = (rest: string): string =>
      write(
        'behind.mjs',
        `import { spawn } from 'node:child_process'; spawn('sleep', ['120'], { stdio: 'inherit' }); ${rest}`,
      )
    const read = (file: string, limitSeconds: number) => readModule(file, { signal, print() {}, limitSeconds })
    expect(await read(behind('export default { name: "x" }'), 10)).toEqual({ name: 'x' })
    await expect(read(behind('for (;;);'), 1)).rejects.toThrow('it does not end within 1 seconds')
  })

  test.each(['Infinity', '-Infinity', 'NaN'])('a number that is %s is said', async (number) => {
    const file = write('number.mjs', exportsOf(`{ ...${asJson}, countBits: ${number} }`))
    const { err } = await runCli(['schemes', '--scheme-file', file])
    expect(err).toContain(`'countBits' is ${number}, and no plain data`)
  })

  test('a signal ends it', async () => {
    const abort = new AbortController()
    const file = write('endless.mjs', 'for (;;);')
    const call = runCli(['schemes', '--scheme-file', file], { signal: abort.signal })
    setTimeout(() => abort.abort('SIGINT'), 300)
    expect(await call).toMatchObject({ code: 130, out: '' })
  })

  test('what two files say is defined together, or not at all', async () => {
    const a = write('good.json', { ...mine, name: 'good' })
    const b = write('bad.json', { ...mine, countBits: 0 })
    const { err } = await runCli(['schemes', '--scheme-file', a, '--scheme-file', b])
    expect(err).toContain('bad.json: the scheme')
    expect(schemes.has('good')).toBe(false)
    const twice = await runCli(['schemes', '--scheme-file', a, '--scheme-file', a])
    expect(twice.err).toContain(`scheme 'good' is defined twice`)
  })
})

const recording = new URL('../vectors/random-simple.jsonl.gz', import.meta.url).pathname
const planted = { name: 'planted', protocol: 'packed-word', countWord: 0, countBits: 8, atLimit: 'saturate' }

describe('every command that takes schemes takes a file', () => {
  test('compare: the answer to an edit, and its definition in the document', { timeout: 120_000 }, async () => {
    const file = write('mine.json', mine)
    const given = [
      'compare',
      '--quick',
      '--schemes',
      'mine',
      '--layouts',
      'linux-6.12',
      '--scheme-file',
      file,
      '--json',
    ]
    const { code, out, err } = await runCli(given)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const { schemes: found, disagreements } = JSON.parse(out)
    expect(disagreements).toEqual([])
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ name: 'mine', bits: 8, answer: 'fuzzy' })
    expect(found[0].cost.length).toBeGreaterThan(0)
    expect(found[0].boundaries.every(({ agrees }: { agrees: boolean }) => agrees)).toBe(true)
  })

  test.each([
    ['pins', []],
    ['mm', ['--threads', '2']],
  ])('stress %s: clean, and with a planted mistake named before and after', async (scenario, more) => {
    const run = (scheme: object, name: string) =>
      runCli([
        'stress',
        scenario,
        '--scheme',
        name,
        '--scheme-file',
        write('s.json', scheme),
        '--seconds',
        '0.3',
        ...more,
      ])
    const good = await run(mine, 'mine')
    expect(good).toMatchObject({ code: 0, err: '' })
    const bad = await run(planted, 'planted')
    expect(bad.code).toBe(1)
    expect(bad.err).toContain(`scheme 'planted' collides with flags.locked`)
    expect(bad.out).toMatch(/not hold what|that no kernel would write/)
    expect(bad.out).toContain(`--scheme-file ${folder}/s.json`)
  })

  test('stress: a scenario file', async () => {
    const scenario = write('ops.json', { name: 'ops', mixes: [{ mm: 1 }, { pin: 1, unpin: 1 }] })
    const given = [
      'stress',
      scenario,
      '--scheme',
      'mine',
      '--scheme-file',
      write('mine.json', mine),
      '--seconds',
      '0.3',
    ]
    expect(await runCli(given)).toMatchObject({ code: 0, err: '' })
  })

  test('conform, layout and decode', async () => {
    const own = ['--scheme', 'mine', '--scheme-file', write('mine.json', mine)]
    const { code, out } = await runCli(['conform', recording, '--json', ...own])
    expect(JSON.parse(out)).toMatchObject({ scheme: 'mine', mismatched: 0, dirty: [] })
    expect(code).toBe(0)
    expect((await runCli(['layout', 'linux-6.12', '--type', 'anon', ...own])).out).toContain('mine')
    // The lowest free bits of linux-6.12 are 24 on: a count of 3.
    const words = [(3n << 24n).toString(16), '0', '0', '0', '0', '0', '1ffffffff', '0']
    const decoded = await runCli(['decode', '--layout', 'linux-6.12', '--json', ...own, ...words])
    expect(JSON.parse(decoded.out).dumps[0].pins).toEqual({ pins: 3, exact: true })
  })
})

describe('pagebox.config', () => {
  const home = process.cwd()
  afterEach(() => process.chdir(home))

  test('is read where the command runs, and left out where one says so', async () => {
    const at = ownFolder()
    process.chdir(at.folder)
    at.write('pagebox.config.json', { schemes: [mine] })
    expect((await runCli(['schemes'])).out).toContain('mine')
    expect((await runCli(['schemes', '--no-config'])).out).not.toContain('mine')
    const other = at.write('other.json', { ...mine, name: 'other' })
    const { out } = await runCli(['schemes', '--config', other])
    expect(out).toContain('other')
    expect(out).not.toContain('mine')
    at.write('pagebox.config.ts', 'export default {}')
    const { code, err } = await runCli(['schemes'])
    expect(code).toBe(2)
    expect(err).toContain('there are pagebox.config.json and pagebox.config.ts; --config FILE says which one counts')
    at.remove()
  })
})

describe('a slip of a name is answered with the nearest', () => {
  test.each([
    [['stress', '--scheme', 'refcuont'], 'Did you mean refcount?'],
    [['stress', '--quirks', 'no-zero-tst'], 'Did you mean no-zero-test?'],
    [['stress', '--pattern', 'randm', '--seconds', '0.1'], `did you mean 'random'?`],
    [['stress', '--mix', 'pin+unpim=1', '--seconds', '0.1'], `did you mean 'pin+unpin'?`],
    [['stress', 'mm', '--mix', 'pageuot=1', '--seconds', '0.1'], `did you mean 'pageout'?`],
    [['stress', '--type', 'annon'], 'Did you mean anon?'],
    [['compare', '--schemes', 'pakced-64'], 'Did you mean packed-64?'],
    [['conform', recording, '--scheme', 'refcount-bais'], `did you mean 'refcount-bias'?`],
    [['schemes', 'sharded-'], 'Did you mean sharded?'],
  ])('%j', async (args, says) => {
    const { code, err } = await runCli(args)
    expect(err).toContain(says)
    expect(code).toBe(2)
  })
})
