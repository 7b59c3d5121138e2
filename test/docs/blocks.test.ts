import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { afterAll, describe, expect, test } from 'vitest'
import { moduleOf } from './module.ts'
import { type Block, isRun, readPages, root, whereOf } from './pages.ts'
import { runPage } from './shell.ts'

const pages = readPages()
const blocks = pages.flatMap((page) => page.blocks)
const isModule = ({ language }: Block): boolean => language === 'ts' || language === 'js'
/** A block that is a file for the commands of its page. */
const isFile = ({ info }: Block): boolean => info !== ''

// Below the root, so that imports of the package and its types are found as users find them.
const folder = join(root, 'build', 'docs-blocks')
mkdirSync(folder, { recursive: true })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const modules = blocks.filter((block) => isModule(block) && isRun(block) && !isFile(block))
const pathOf = (block: Block): string =>
  join(folder, `${whereOf(block).replace(/\W+/g, '-')}.${block.language === 'ts' ? 'ts' : 'mjs'}`)
for (const block of modules) writeFileSync(pathOf(block), moduleOf(block, '../../test/docs/shows.ts'))

const load = async (block: Block): Promise<void> =>
  void (await import(/* @vite-ignore */ pathToFileURL(pathOf(block)).href))

describe('code of the guide', () => {
  for (const block of modules) {
    // Such a block brings tests: importing it declares them here.
    if (block.lines.some((line) => line.includes("from 'pagebox/vitest'"))) describe(whereOf(block), () => load(block))
    else test(whereOf(block), () => load(block))
  }

  test('has the types that it claims', () => {
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
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    })
    const said = ts.getPreEmitDiagnostics(program).map((found) => {
      const line = found.file?.getLineAndCharacterOfPosition(found.start ?? 0).line ?? 0
      const block = modules.find((each) => pathOf(each) === found.file?.fileName)
      const where = block === undefined ? found.file?.fileName : `${block.page}:${block.line + line}`
      return `${where}: ${ts.flattenDiagnosticMessageText(found.messageText, '\n')}`
    })
    expect(said).toEqual([])
  })
})

describe('commands of the guide', () => {
  for (const page of pages) {
    const isShell = (block: Block): boolean => block.language === 'sh' && isRun(block)
    if (!page.blocks.some(isShell)) continue
    test(page.name, { timeout: 120_000 }, async () => {
      await runPage(
        join(folder, page.name.replace(/\W+/g, '-')),
        page.blocks.filter((block) => isShell(block) || (isFile(block) && isRun(block))),
      )
    })
  }
})

describe('blocks', () => {
  test('are of a language that is run, or are text', () => {
    const known = ['ts', 'js', 'sh', 'json', 'text']
    expect(blocks.filter(({ language }) => !known.includes(language)).map(whereOf)).toEqual([])
  })

  test('of JSON are JSON', () => {
    for (const block of blocks)
      if (block.language === 'json') expect(() => JSON.parse(block.lines.join('\n'))).not.toThrow()
  })

  test('that do not run say why, and are rare', () => {
    const idle = blocks.filter((block) => !isRun(block))
    expect(idle.filter(({ info }) => !/^no-run \(.+\)$/.test(info)).map(whereOf)).toEqual([])
    const runnable = blocks.filter(({ language }) => language !== 'text' && language !== 'json')
    expect(idle.length).toBeLessThanOrEqual(runnable.length / 10)
  })
})
