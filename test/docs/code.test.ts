import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { moduleOf } from './module.ts'
import { type Block, isFile, isRun, readPages, root, whereOf } from './pages.ts'
import { isReady } from './ready.ts'

const isModule = ({ language }: Block): boolean => language === 'ts' || language === 'js'
const modules = readPages()
  .filter(({ name }) => isReady(name))
  .flatMap((page) => page.blocks)
  .filter((block) => isModule(block) && isRun(block) && !isFile(block))

// Below the root, so that imports of the package and its types are found as users find them.
const folder = join(root, 'build', 'docs-code')
mkdirSync(folder, { recursive: true })
const pathOf = (block: Block): string =>
  join(folder, `${whereOf(block).replace(/\W+/g, '-')}.${block.language === 'ts' ? 'ts' : 'mjs'}`)
for (const block of modules) writeFileSync(pathOf(block), moduleOf(block, '../../test/docs/shows.ts'))

// Files that a block makes by a relative name are made there too.
const home = process.cwd()
beforeAll(() => process.chdir(folder))
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true, force: true })
})

const load = async (block: Block): Promise<void> =>
  void (await import(/* @vite-ignore */ pathToFileURL(pathOf(block)).href))

for (const block of modules) {
  // Such a block brings tests: importing it declares them here.
  if (block.lines.some((line) => line.includes("from 'pagebox/vitest'"))) describe(whereOf(block), () => load(block))
  else test(whereOf(block), () => load(block))
}

test('the code has the types that it claims', { timeout: 120_000 }, () => {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (found) => {
        throw new Error(String(found.messageText))
      },
    },
  )
  const program = ts.createProgram(modules.filter(({ language }) => language === 'ts').map(pathOf), {
    ...config?.options,
  })
  const said = ts.getPreEmitDiagnostics(program).map((found) => {
    const line = found.file?.getLineAndCharacterOfPosition(found.start ?? 0).line ?? 0
    const block = modules.find((each) => pathOf(each) === found.file?.fileName)
    const where = block === undefined ? found.file?.fileName : `${block.page}:${block.line + line}`
    return `${where}: ${ts.flattenDiagnosticMessageText(found.messageText, '\n')}`
  })
  expect(said).toEqual([])
})
