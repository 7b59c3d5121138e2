import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { type Block, isFile, isRun, readPages, root } from './pages.ts'
import { isReady } from './ready.ts'
import { runPage } from './shell.ts'

const folder = join(root, 'build', 'docs-commands')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const isShell = ({ language }: Block): boolean => language === 'sh'

for (const { name, blocks } of readPages()) {
  const used = blocks.filter((block) => isRun(block) && (isShell(block) || isFile(block)))
  if (used.some(isShell) && isReady(name))
    test(name, { timeout: 300_000 }, () => runPage(join(folder, name.replace(/\W+/g, '-')), used))
}
