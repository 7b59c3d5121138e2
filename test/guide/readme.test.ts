import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const readme = readFileSync(at('README.md'), 'utf8')
const source = fileURLToPath(new URL('../../lib/index.ts', import.meta.url))

/** The first block of code below a heading. */
function codeBelow(heading: string): string {
  const from = readme.indexOf(`\n## ${heading}\n`)
  const code = /```js\n([\s\S]*?)```/.exec(readme.slice(from))?.[1]
  if (from < 0 || code === undefined) throw new Error(`no code below ${heading}`)
  return code
}

test('the code of "Address spaces and devices" prints what its comments say', () => {
  const code = codeBelow('Address spaces and devices')
  const folder = mkdtempSync(join(tmpdir(), 'pagebox-'))
  try {
    const script = join(folder, 'guide.mjs')
    writeFileSync(script, code.replace("from 'pagebox'", `from ${JSON.stringify(source)}`))
    const printed = execFileSync(process.execPath, ['--import', at('node_modules/tsx/dist/esm/index.mjs'), script], {
      cwd: folder,
      encoding: 'utf8',
    })
    const said = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, text]) =>
      (text as string).replace(/[,:] (read|what) .*$/, ''),
    )
    expect(printed.trimEnd().split('\n')).toEqual(said)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
