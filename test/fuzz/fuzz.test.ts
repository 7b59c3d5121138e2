import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// `PAGEBOX_FUZZ_SECONDS=3600 PAGEBOX_FUZZ_SEED=…` for a night; scripts/fuzz-asan.sh with sanitizers.
const seconds = Number(process.env.PAGEBOX_FUZZ_SECONDS ?? 8)
const seed = process.env.PAGEBOX_FUZZ_SEED ?? '1'
const main = fileURLToPath(new URL('./main.ts', import.meta.url))

test.each([
  ['api', 'every export, with good and bad arguments in any order'],
  ['declared', 'schemes and layouts that are declared, on every engine'],
  ['files', 'command lines, and files that are nearly right'],
])('%s: %s', { timeout: seconds * 1000 + 600_000 }, async (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'pagebox-fuzz-'))
  const args = [
    '--import',
    'tsx',
    main,
    '--kind',
    kind,
    '--seed',
    seed,
    '--seconds',
    `${seconds}`,
    '--jobs',
    '1',
    '--folder',
    folder,
  ]
  const said = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 1 << 26 }, (error, out, err) =>
      resolve(error === null ? 'nothing' : `${out}${err}`),
    )
  })
  rmSync(folder, { recursive: true, force: true })
  expect(said).toBe('nothing')
})
