// One process of the fuzzer: `child.mjs KIND SEED LINES SECONDS LOG KNOWLEDGE` makes a program up as it goes,
// `child.mjs replay FILE LOG` runs one that was written down. The log is all that it says.
import { appendFileSync } from 'node:fs'
import { register } from 'tsx/esm/api'

register()
const { fuzz, replay } = await import('./process.ts')
const [, , kind, ...rest] = process.argv
const log = kind === 'replay' ? rest[1] : rest[3]
await (kind === 'replay'
  ? replay(rest[0], log)
  : fuzz(kind, Number(rest[0]), Number(rest[1]), Number(rest[2]), log, rest[4]))
appendFileSync(log, '{"done":true}\n')
// What is still referenced must not keep a process: it ends as any program does.
