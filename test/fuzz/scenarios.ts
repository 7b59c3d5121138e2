import { native } from '../../lib/native/load.ts'
import type { Random } from './random.ts'

type Op = Record<string, unknown>

const kinds = ['anon-private', 'anon-shared', 'file-private', 'file-shared', 'disk-private', 'disk-shared']

/** A value that a field of an operation may have, by the name of the field. */
function fieldOf(random: Random, name: string): unknown {
  const flags = ['write', 'fast', 'longterm', 'force', 'hugetlb']
  if (flags.includes(name)) return 1
  switch (name) {
    case 'buf':
      return random.pick(['a', 'b', 'c'])
    case 'page':
      return random.pick<unknown>([0, 1, 2, 'random', 'sequential', 'hot', 'zipf'])
    case 'n':
      return random.pick([1, 1, 2, 3])
    case 'pages':
      return random.pick([1, 2, 4, 8])
    case 'kind':
      return random.pick(kinds)
    case 'prot':
      return random.pick(['rw', 'rw', 'r', ''])
    case 'advice':
      return random.pick(native().scenarioTables().advices)
    case 'mode':
      return random.pick(['gup', 'pup', 'gup_fast', 'pup_fast', 'pin', 'longterm'])
    case 'via':
      return random.pick(['gup', 'uring', 'vmsplice'])
    case 'child':
      return random.pick(['q', 'r'])
    case 'dev':
      return random.int(0, 3)
    case 'ops':
      return []
    default:
      return random.int(0, 3)
  }
}

function opOf(random: Random, depth = 0): Op {
  const { ops } = native().scenarioTables()
  const { name, fields } = random.pick(ops)
  const op: Op = { op: name }
  for (const word of fields.split(' ')) {
    const field = word.replace(/[[\]]/g, '')
    if (field === '' || (word.startsWith('[') && random.chance(0.6))) continue
    op[field] = fieldOf(random, field)
  }
  if (random.chance(0.1)) op.proc = random.pick(['p', 'q'])
  if (name === 'repeat') {
    op.n = random.int(1, 5)
    op.ops = depth > 2 ? [] : Array.from({ length: random.int(0, 3) }, () => opOf(random, depth + 1))
  }
  return op
}

/** A scenario of the vocabulary that mostly makes sense: what is mapped first is what is used. */
export function scenarioOf(random: Random): Op {
  if (random.chance(0.3)) {
    const groups = native()
      .scenarioTables()
      .mixGroups.map(({ name }) => name)
    const mix = () =>
      Object.fromEntries([random.pick(groups), random.pick(groups)].map((name) => [name, random.int(1, 4)]))
    return { name: 'random', mixes: [mix(), mix()] }
  }
  const setup: Op[] = ['a', 'b', 'c'].map((buf) => ({ ...opFor(random), buf }))
  setup.push({ op: 'open_dev', dev: 0 }, { op: 'open_dev', dev: 2 })
  const threads = Array.from({ length: random.int(1, 3) }, (_, i) => ({
    name: `t${i}`,
    ops: Array.from({ length: random.int(1, 6) }, () => opOf(random)),
  }))
  return { name: 'written', setup, threads }
}

const opFor = (random: Random): Op => ({
  op: 'mmap',
  pages: random.pick([1, 4, 8]),
  kind: random.pick(['anon-private', 'anon-private', 'anon-shared']),
  prot: 'rw',
  fill: 1,
})
