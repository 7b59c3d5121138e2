import { cliProcess } from './cliHelper.ts'
import { declared } from './declaredHelper.ts'
import { helpers } from './helpers.ts'
import type { Line } from './program.ts'

/** A program as a script that runs where `pagebox` can be imported. */
export function scriptOf(program: readonly (Line | null)[], about: string, seed: number): string {
  const lines = program.flatMap((line, at) => (line === null ? [] : [{ ...line, at }]))
  const sources = lines.map(({ source }) => source).join('\n')
  const used = Object.entries({ ...helpers, declared, cli: cliProcess }).filter(([name]) =>
    sources.includes(`H.${name}`),
  )
  const body = lines.map(({ source, waits, at }) => {
    const call = `step(${at}, () => ${source.startsWith('{') ? `(${source})` : source})`
    return waits ? `await ${call}` : call
  })
  return [
    ...about.split('\n').map((line) => `// ${line}`),
    `// seed ${seed}`,
    "import * as P from 'pagebox'",
    ...(sources.includes('A.') ? ["import * as A from 'pagebox/assert'"] : []),
    ...(used.length > 0
      ? [
          'const __name = (value) => value',
          `const H = { ${used.map(([name, helper]) => asMethod(name, helper)).join(', ')} }`,
        ]
      : []),
    'const o = []',
    'async function step(at, call) {',
    '  try { o[at] = await call() } catch (e) { console.log(at, e?.code ?? e) }',
    '}',
    ...body,
    '',
  ].join('\n')
}

const asMethod = (name: string, helper: unknown): string => {
  const text = String(helper)
  return text.startsWith(`${name}(`) ? text : `${name}: ${text}`
}
