import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const node = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).trim()

// By its own name, a package reaches itself through its `exports`.
test.skipIf(!existsSync(`${root}dist/cjs/index.js`))('import and require give the same names', () => {
  const imported = node(
    '--input-type=module',
    '-e',
    'import * as p from "pagebox"; console.log(Object.keys(p).sort().join())',
  )
  const required = node('--input-type=commonjs', '-e', 'console.log(Object.keys(require("pagebox")).sort().join())')
  expect(required).toBe(imported)
  expect(imported).not.toBe('')
})
