import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { compareDocument } from '../../lib/compare/document.ts'
import { realKernel, realKernels, whyNone } from '../btf/shared.ts'
import { ownFolder } from './ownFiles.ts'
import { type Ran, runCli } from './testIo.ts'

/* The way of docs/own-schemes.md on somebody's kernel: an idea that has no room there, one that has, one with a mistake. */

const { folder, write, remove } = ownFolder()
afterAll(remove)

const idea = (name: string, countBits: number, countShift: number | 'lowest-free' = 'lowest-free'): string =>
  write(
    `${name}.json`,
    JSON.stringify({
      name,
      protocol: 'packed-word',
      countWord: 0,
      countShift,
      countBits,
      atLimit: 'saturate',
      states: [
        { name: 'dma', bit: 'lowest-free', set: 'first-pin', clear: 'last-unpin' },
        { name: 'full', bit: 'lowest-free', set: 'full' },
        { name: 'ever-pinned', bit: 'lowest-free', set: 'first-pin' },
      ],
    }),
  )

// It leaves six bits of page->flags: not eleven, yet three and three.
const name = '5.10.262-amd64-cloud'
const layout = `linux-${name}`

describe.skipIf(!realKernels.includes(name))(`an idea on the kernel of ${name}`, () => {
  const files = () => [
    ...['--scheme-file', idea('too-wide', 8)],
    ...['--scheme-file', idea('small', 3)],
    ...['--scheme-file', idea('over-flags', 8, 3)],
  ]
  const on = (...args: string[]): Promise<Ran> =>
    runCli([...args, '--btf', realKernel(name), '--no-config', ...files()], { columns: 80 })

  test('compare says why there is no room, what fits, and what collides is the own mistake', async () => {
    const html = join(folder, 'out.html')
    const schemes = ['--schemes', 'too-wide,small,over-flags']
    const { code, out, err } = await on('compare', '--quick', ...schemes, '--html', html)
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).not.toContain('bug of pagebox')
    const told = out.replaceAll(/\s+/g, ' ')
    expect(told).toContain(
      `too-wide refuses all of them: too-wide needs 8 free bits of page->flags in a row and 3 more, and the Kconfig of ${layout}`,
    )
    expect(told).toContain('leaves 6 bits of page->flags free')
    expect(told).toContain('over-flags hits flags.dirty, flags.lru, flags.active')
    expect(out).toMatch(/^small .* 7\/7/m)
    for (const line of out.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80)
    const page = readFileSync(html, 'utf8')
    expect(page).toContain('refused: too-wide needs 8 free bits')
    expect(page).toContain('&quot;ever-pinned&quot;')
    expect(page).toContain('--scheme-file')
  }, 180_000)

  test('the document has the same', async () => {
    const { out } = await on('compare', '--quick', '--json', '--schemes', 'over-flags,small')
    const { disagreements, layouts, schemes } = compareDocument.parse(JSON.parse(out))
    expect(disagreements).toEqual([])
    const imported = layouts.at(-1)?.name
    const [overFlags, small] = schemes.map(({ room }) => room.filter((row) => row.layout === imported))
    expect(overFlags?.map(({ cell }) => cell)).toContain('collides')
    expect(overFlags?.map(({ cell }) => cell)).not.toContain('fits')
    expect(small?.find(({ pageType, order }) => pageType === 'anon' && order === 0)?.cell).toBe('fits')
  }, 180_000)

  test('stress warns of the collision, then finds its damage; what fits stays clean', async () => {
    const short = ['--seconds', '0.2', '--threads', '2']
    const bad = await on('stress', 'open-pins', '--scheme', 'over-flags', ...short)
    expect(bad.code).toBe(1)
    expect(bad.err).toMatch(/warning: scheme 'over-flags' collides with flags\.dirty/)
    expect(bad.out).toContain('descriptors do not hold what they must')
    for (const scenario of ['open-pins', 'mm'])
      expect(await on('stress', scenario, '--scheme', 'small', ...short)).toMatchObject({ code: 0, err: '' })
  }, 60_000)

  test('exploration is clean with it, and names a kernel that gives pins back by put_page()', async () => {
    const drawn = ['explore', 'pins-against-migration', '--scheme', 'small', '--samples', '300', '--no-shrink']
    expect(await on(...drawn)).toMatchObject({ code: 0 })
    const found = await on(...drawn, '--quirks', 'put-for-unpin')
    expect(found.code).toBe(1)
    expect(found.out).toContain('violation: pincount-exact')
  }, 120_000)
})

test.skipIf(realKernels.length > 0)(`skipped: ${whyNone}`, () => {})
