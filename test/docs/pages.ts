import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A fenced block of a page. */
export interface Block {
  /** From the root of the repository: `docs/race.md`. */
  readonly page: string
  /** Line of the page that `lines[0]` is on, counted from 1. */
  readonly line: number
  readonly language: string
  /** What follows the language: a file name, or `no-run (why)`. */
  readonly info: string
  readonly lines: readonly string[]
}

/** A page of the guide. */
export interface Page {
  readonly name: string
  readonly text: string
  readonly blocks: readonly Block[]
}

export const isRun = (block: Block): boolean => !block.info.startsWith('no-run')
/** A block that is a file for the commands of its page. */
export const isFile = ({ info }: Block): boolean => info !== '' && !info.startsWith('no-run')
export const whereOf = (block: Block): string => `${block.page}:${block.line}`

function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = []
  let open: { line: number; fence: string; language: string; info: string; lines: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    if (open === undefined) {
      const [, fence, language, info] = /^(```+)(\S*)\s*(.*)$/.exec(line) ?? []
      if (fence !== undefined) open = { line: index + 2, fence, language: language ?? '', info: info ?? '', lines: [] }
    } else if (line === open.fence) {
      blocks.push({ page, ...open })
      open = undefined
    } else open.lines.push(line)
  }
  if (open !== undefined) throw new Error(`${page}:${open.line - 1}: the block has no end`)
  return blocks
}

/** README.md and every page of docs/. */
export function readPages(): Page[] {
  const names = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  return ['README.md', ...names.sort().map((name) => `docs/${name}`)].map((name) => {
    const text = readFileSync(join(root, name), 'utf8')
    return { name, text, blocks: blocksOf(name, text) }
  })
}
