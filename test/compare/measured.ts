import type { CompareDocument, CostRow } from '../../lib/compare/document.ts'
import { blockInterval, spreadOf, unitsOf } from '../../lib/compare/blocks.ts'
import { seededRandom } from '../../lib/compare/statistics.ts'
import { documentFixture } from '../report/fixture.ts'

/** What makes two measurements differ. */
export interface Noise {
  seed: number
  /** Of each round, of each block, and of the whole process: standard deviations of logarithms. */
  round?: number
  block?: number
  process?: number
  /** The whole machine is so much slower, loops and all. */
  machine?: number
  /** A scheme that really costs more, and by how much. */
  changed?: { scheme: string; factor: number }
}

/** The fixture's costs as if measured: raw samples in blocks, with their loop's. */
export function measuredFixture({ seed, round = 0.02, block = 0.02, process = 0.01, machine = 1, changed }: Noise) {
  const random = seededRandom(seed)
  const normal = (deviation: number): number =>
    deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const row = (scheme: string, given: CostRow): CostRow => {
    const blocks = [5, 5, 5]
    const whole = normal(process)
    const factor = machine * (changed?.scheme === scheme ? changed.factor : 1)
    const ofBlock = blocks.map(() => normal(block))
    const rounds = blocks.flatMap((length, at) => new Array<number>(length).fill(ofBlock[at] as number))
    const loop = given.nsPerOp.median / 1.03
    const reference = rounds.map(() => machine * loop * Math.exp(normal(round)))
    const samples = rounds.map((shift) => factor * given.nsPerOp.median * Math.exp(whole + shift + normal(round)))
    const units = unitsOf({ samples, blocks })
    return {
      ...given,
      rounds: samples.length,
      samples,
      blocks,
      reference: { scheme, op: given.op, samples: reference },
      nsPerOp: blockInterval(samples, units, spreadOf(units), random),
    }
  }
  const document: CompareDocument = documentFixture({ documentVersion: 2 })
  for (const scheme of document.schemes) scheme.cost = scheme.cost.map((each) => row(scheme.name, each))
  return document
}
