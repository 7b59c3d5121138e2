import type { CompareDocument, CostRow, Machine } from './document.ts'
import type { Interval } from './interval.ts'
import { sameSituation } from './situation.ts'
import { quotient } from './statistics.ts'

/** One cost then and now. */
export interface Difference {
  scheme: string
  row: CostRow
  before: CostRow
  /** Now divided by before. */
  ratio: Interval
  /** The interval of the ratio lies wholly on one side of 1, and by more than its own noise of 2 %. */
  verdict: 'slower' | 'faster' | 'same'
}

export interface RoomChange {
  scheme: string
  layout: string
  pageType: string
  order: number
  before: string
  now: string
}

export interface BaselineReport {
  /** Facts that differ; times are then not comparable, ratios hardly. */
  machineDiffers: { fact: string; before: string; now: string }[]
  differences: Difference[]
  roomChanges: RoomChange[]
  /** Schemes that only one of the two documents has. */
  onlyBefore: string[]
  onlyNow: string[]
}

const machineFacts: (keyof Machine)[] = ['cpu', 'cores', 'lastLevelCacheBytes', 'memoryBytes', 'kernel', 'arch', 'node']

/** Changes below this are what two runs of the same program show. */
const noise = 0.02

const verdictOf = (ratio: Interval): Difference['verdict'] => {
  if (ratio.low > 1 + noise) return 'slower'
  if (ratio.high < 1 - noise) return 'faster'
  return 'same'
}

/** What changed between two documents. Rows that only one has are left out. */
export function compareWithBaseline(before: CompareDocument, now: CompareDocument): BaselineReport {
  const differences: Difference[] = []
  const roomChanges: RoomChange[] = []
  for (const scheme of now.schemes) {
    const old = before.schemes.find((each) => each.name === scheme.name)
    if (old === undefined) continue
    for (const row of scheme.cost) {
      const match = old.cost.find(
        (each) => each.op === row.op && each.layout === row.layout && sameSituation(each, row),
      )
      if (match === undefined) continue
      const ratio = quotient(row.nsPerOp, match.nsPerOp)
      differences.push({ scheme: scheme.name, row, before: match, ratio, verdict: verdictOf(ratio) })
    }
    for (const { layout, pageType, order, cell } of scheme.room) {
      const match = old.room.find(
        (each) => each.layout === layout && each.pageType === pageType && each.order === order,
      )
      if (match === undefined || match.cell === cell) continue
      roomChanges.push({ scheme: scheme.name, layout, pageType, order, before: match.cell, now: cell })
    }
  }
  const names = (document: CompareDocument): string[] => document.schemes.map((scheme) => scheme.name)
  return {
    machineDiffers: machineFacts
      .filter((fact) => before.machine[fact] !== now.machine[fact])
      .map((fact) => ({ fact, before: String(before.machine[fact]), now: String(now.machine[fact]) })),
    differences,
    roomChanges,
    onlyBefore: names(before).filter((name) => !names(now).includes(name)),
    onlyNow: names(now).filter((name) => !names(before).includes(name)),
  }
}
