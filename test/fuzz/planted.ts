import type { Program } from './program.ts'

/** Programs with a fault in them, for the test of the fuzzer itself. */
export const planted: Readonly<Record<string, readonly string[]>> = {
  crash: ['1', 'globalThis.armed = true', '2', '[3]', 'globalThis.armed && process.abort()', '4'],
  hang: ['1', '[2]', '(() => { for (;;); })()'],
  untyped: ['[1]', '[2]', 'o[1].nothing()'],
  typed: ['P.Box.create()', "P.layouts.get('none')", 'P.Box.create({ pages: 16 })', 'o[2].close()'],
}

export async function runPlanted(program: Program, kind: string): Promise<void> {
  for (const source of planted[kind] ?? []) {
    const line = { source, waits: true }
    const result = await program.run(line)
    if (result !== undefined && 'error' in result) program.judge(result.error, line)
  }
}
