import { appendFileSync, readFileSync } from 'node:fs'
import { ApiFuzzer } from './api.ts'
import { cli } from './cliHelper.ts'
import { fuzzDeclared } from './declared.ts'
import { declared } from './declaredHelper.ts'
import { fuzzFiles } from './files.ts'
import { runPlanted } from './planted.ts'
import { type Line, Program } from './program.ts'

/** Helpers that need more than the language. */
const more = { cli, declared }

/** Makes a program of a kind up and runs it. */
export async function fuzz(
  kind: string,
  seed: number,
  lines: number,
  seconds: number,
  log: string,
  knowledge: string,
): Promise<void> {
  const until = Date.now() + seconds * 1000
  const program = new Program(log, more)
  if (kind.startsWith('planted-')) return runPlanted(program, kind.slice('planted-'.length))
  if (kind === 'declared') return fuzzDeclared(program, seed, lines, until)
  if (kind === 'files') return fuzzFiles(program, seed, lines, until)
  const fuzzer = new ApiFuzzer(program, seed, knowledge)
  await fuzzer.run(lines, until)
  appendFileSync(log, `${JSON.stringify({ calls: fuzzer.calls })}\n`)
}

/** Runs a program that was written down, and judges its errors as then. */
export async function replay(file: string, log: string): Promise<void> {
  const lines = JSON.parse(readFileSync(file, 'utf8')) as (Line | null)[]
  const program = new Program(log, more)
  for (const line of lines) {
    if (line === null) {
      // Left out; the numbers of the others stay.
      program.objects.push(undefined)
      continue
    }
    const result = await program.run(line)
    if (result !== undefined && 'error' in result) program.judge(result.error, line)
  }
  await program.settle()
}
