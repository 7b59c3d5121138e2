import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cliForShell } from '../cli/command.ts'
import { matches } from './matches.ts'
import type { Block } from './pages.ts'

/** One command of a block, and what the page shows below it. */
interface Command {
  readonly where: string
  readonly text: string
  readonly shown: string
}

function commandsOf(block: Block): Command[] {
  const commands: { where: string; text: string; output: string[] }[] = []
  let goesOn = false
  for (const [index, line] of block.lines.entries()) {
    const last = commands.at(-1)
    if (goesOn && last !== undefined) last.text += `\n${line}`
    else if (line.startsWith('$ ')) {
      commands.push({ where: `${block.page}:${block.line + index}`, text: line.slice(2), output: [] })
    } else if (last === undefined) throw new Error(`${block.page}:${block.line}: begin commands with "$ "`)
    else last.output.push(line)
    goesOn = (goesOn || line.startsWith('$ ')) && line.endsWith('\\')
  }
  return commands.map(({ where, text, output }) => ({ where, text, shown: output.join('\n').trimEnd() }))
}

/** A `npx` that runs what is in the tree. */
function npx(folder: string): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\n[ "$1" = pagebox ] || exit 2\nshift\nexec ${cliForShell} "$@"\n`, {
    mode: 0o755,
  })
  return bin
}

/** Standard output and standard error together, as a terminal shows them. */
function execute(text: string, cwd: string, bin: string): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    NO_COLOR: '1',
    COLUMNS: '100',
    FORCE_COLOR: undefined,
  }
  return new Promise((resolve) => {
    execFile('bash', ['-c', `exec 2>&1\n${text}`], { cwd, env, maxBuffer: 1 << 24 }, (_, out) => resolve(out))
  })
}

/** Runs the commands of a page in a folder of its own, in order, and compares what they print. */
export async function runPage(folder: string, blocks: readonly Block[]): Promise<void> {
  const bin = npx(folder)
  const failures: string[] = []
  for (const block of blocks) {
    if (block.language !== 'sh') {
      writeFileSync(join(folder, block.info), `${block.lines.join('\n')}\n`)
      continue
    }
    for (const { where, text, shown } of commandsOf(block)) {
      const printed = (await execute(text, folder, bin)).trimEnd()
      if (!matches(shown, printed)) failures.push(`${where}: $ ${text}\nshown:\n${shown}\n\nprinted:\n${printed}`)
    }
  }
  if (failures.length > 0) throw new Error(failures.join('\n\n'))
}
