import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readPages, root } from './pages.ts'

const pages = readPages()

/** As GitHub makes an anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))

test('every link leads to a page, a file and a heading that exist', () => {
  const broken: string[] = []
  for (const { name, text } of pages) {
    const prose = text.replace(/^```[\s\S]*?^```$/gm, '')
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? name : join(dirname(name), path)
      const page = pages.find((each) => each.name === file)
      const isThere = page !== undefined || existsSync(join(root, file))
      if (!isThere || (anchor !== undefined && !(page && anchorsOf(page.text).includes(anchor))))
        broken.push(`${name}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})

test('docs/README.md names every page', () => {
  const index = pages.find(({ name }) => name === 'docs/README.md')?.text ?? ''
  const others = pages.map(({ name }) => name).filter((name) => name.startsWith('docs/') && name !== 'docs/README.md')
  expect(others.filter((name) => !index.includes(`(${name.slice('docs/'.length)})`))).toEqual([])
})
