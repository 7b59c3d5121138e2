import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { hunt } from './hunt.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'api' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    lines: { type: 'string', default: '2000' },
    patience: { type: 'string', default: '30' },
    jobs: { type: 'string', default: String(cpus().length) },
    members: { type: 'boolean', default: false },
    folder: { type: 'string', default: join(root, 'build-fuzz') },
  },
})

for (const kind of values.kind.split(',')) {
  const numbers = { seed: +values.seed, seconds: +values.seconds, lines: +values.lines, jobs: +values.jobs }
  const { processes, calls, members, seconds, found } = await hunt({
    kind,
    ...numbers,
    patience: +values.patience,
    folder: values.folder,
    say: (text) => console.log(text),
  })
  const seeds = `seeds ${values.seed} to ${+values.seed + processes - 1}`
  const done = [...members.values()].filter(([, times]) => times > 0).length
  const of = members.size > 0 ? ` of ${members.size} members, ${done} of which once did what they are for,` : ''
  if (values.members) for (const [name, times] of [...members].sort()) console.log(name, ...times)
  console.log(
    `${kind}: ${calls} calls${of} in ${processes} processes (${seeds}), ${Math.round(seconds)} s: ${found.length} findings`,
  )
  if (found.length > 0) process.exitCode = 1
}
