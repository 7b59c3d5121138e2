import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { runCli } from '../cli/testIo.ts'

/** A file that a command line names: its text, gzipped if its name says so, and how many bytes of that are there. */
export interface CliFile {
  readonly name: string
  readonly text: string
  /** Cut after so many bytes. */
  readonly cut?: number
}

/** Runs a command line on files in a folder of their own. `@name` in an argument is the path of such a file. */
export async function cli(args: readonly string[], files: readonly CliFile[], input: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'pagebox-fuzz-'))
  try {
    mkdirSync(join(folder, 'folder'))
    for (const { name, text, cut } of files) {
      const bytes = name.endsWith('.gz') ? gzipSync(text) : Buffer.from(text)
      writeFileSync(join(folder, name), bytes.subarray(0, cut))
    }
    const real = args.map((arg) => (arg.startsWith('@') ? join(folder, arg.slice(1)) : arg))
    // What is asked to run for hours is interrupted, as by Ctrl-C.
    const { code, err, out } = await runCli(real, { input, signal: AbortSignal.timeout(300) })
    if (![0, 1, 2, 130].includes(code))
      throw Object.assign(new Error(`exit status ${code}: ${err.slice(0, 300)}`), { name: 'ExitStatus' })
    if (hasEscapes(err) || hasEscapes(out))
      throw Object.assign(new Error('an escape sequence of the input reached the terminal'), { name: 'ExitStatus' })
    if (real.includes('--json') && code !== 2 && code !== 130 && out !== '') JSON.parse(out)
    return code
  } finally {
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
  }
}

const hasEscapes = (text: string): boolean => text.includes('\u001b')

/** The same for a script of its own, by a process; its source stands alone. */
export async function cliProcess(args: string[], files: CliFile[], input: string): Promise<number | null> {
  const { spawnSync } = await import('node:child_process')
  const fs = await import('node:fs')
  const { gzipSync: gzip } = await import('node:zlib')
  const folder = fs.mkdtempSync('/tmp/pagebox-fuzz-')
  fs.mkdirSync(`${folder}/folder`)
  for (const { name, text, cut } of files) {
    const bytes = name.endsWith('.gz') ? gzip(text) : Buffer.from(text)
    fs.writeFileSync(`${folder}/${name}`, bytes.subarray(0, cut))
  }
  const real = args.map((arg) => (arg.startsWith('@') ? `${folder}/${arg.slice(1)}` : arg))
  const command = ['node_modules/pagebox/dist/cli/main.js', ...real]
  const { status, signal, stderr } = spawnSync(process.execPath, command, { input, encoding: 'utf8', timeout: 20_000 })
  console.log('exit', status, signal, stderr.slice(-500))
  return status
}
