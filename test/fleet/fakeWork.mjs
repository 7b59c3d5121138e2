// Shards that are small and say exactly what they did: numbers of one residue class. In JavaScript, so that processes
// of their own run it as it is.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

// Processes run what is compiled; a test, in which Vite translates, the sources as the rest of it does: a class of
// errors is one class.
const compiled = import.meta.env === undefined && process.env.PAGEBOX_TEST_DIST === '1'
const lib = compiled ? '../../dist' : '../../lib'
const end = compiled ? 'js' : 'ts'
export const load = (name) => import(new URL(`${lib}/${name}.${end}`, import.meta.url).href)

const { PageboxError } = await load('errors')

const hashOf = (request) => createHash('sha256').update(JSON.stringify(request)).digest('hex')
const refuse = (why) => {
  throw new PageboxError('ERR_PAGEBOX_SCENARIO', why)
}

/** The answer of one shard: what `runShardData` gives. */
export const answerOf = (request, { index, of }) => ({
  hash: hashOf(request),
  shard: { index, of },
  numbers: Array.from({ length: request.numbers }, (_, i) => i).filter((i) => i % of === index - 1),
})

export const mergedOf = (documents) =>
  JSON.stringify({
    shards: documents.length,
    numbers: documents.flatMap(({ data }) => data.numbers).sort((a, b) => a - b),
    findings: [
      ...new Set(documents.flatMap((document) => work.findings(document)).map((each) => each.signature)),
    ].sort(),
  })

export const work = {
  identity: async () => ({ pagebox: process.env.FAKE_VERSION ?? '1.0.0', addon: 'aaaa', rules: 'bbbb' }),
  readRequest(data) {
    if (typeof data !== 'object' || data === null || data.kind !== 'numbers') refuse('a request is { kind: numbers }')
    return { hash: hashOf(data), data }
  },
  readDocument(data) {
    const isOne =
      typeof data === 'object' && data !== null && Array.isArray(data.numbers) && typeof data.hash === 'string'
    if (!isOne || typeof data.shard?.index !== 'number') refuse('it is no document')
    return { hash: data.hash, shard: data.shard, data }
  },
  findings: ({ data }) =>
    data.numbers
      .filter((each) => each % 7 === 3)
      .map((each) => ({
        signature: `a number that ends in 3 of 7: ${each}`,
        text: `${each} is found`,
        repeat: `pagebox again ${each}`,
      })),
  merge: (documents) => ({
    findings: documents.flatMap((document) => work.findings(document)),
    document: JSON.parse(mergedOf(documents)),
    seconds: documents.length,
    done: documents.flatMap(({ data }) => data.numbers).length,
  }),
  repeat: (command, index, of) => `${command} --shard ${index}/${of}`,
}

/** What shards of these numbers do to their process. */
async function behave(request, index) {
  if (request.kills?.includes(index)) process.kill(process.pid, 'SIGSEGV')
  if (request.exits?.includes(index)) process.exit(7)
  if (request.throws?.includes(index)) throw new Error('this shard\x1b[31m throws')
  if (request.hangs?.includes(index)) await sleep(1_000_000)
  await sleep(request.ms ?? 0)
}

export async function runShardData(request, shard) {
  await behave(request, shard.index)
  const answer = answerOf(request, shard)
  if (request.lies?.includes(shard.index)) answer.shard = { ...shard, index: shard.index + 1 }
  return answer
}
