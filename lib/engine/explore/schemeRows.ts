// What exploreSchemes() answers of a row.
import type { NativeExploreResult, NativeFinding } from '../../native/engineBinding.ts'
import { frozenRow } from '../auditRow.ts'
import { readScenario } from '../scenario/readScenario.ts'
import type { Finding } from '../scenario/scenarioTypes.ts'
import type { ProgramFinding, ProgramOp, SchemeExploration } from './exploreSchemesTypes.ts'
import { type Cell, scenarioOf } from './schemeCells.ts'
import { tokenOf } from './subject.ts'

const opsOf = (text: string): ProgramOp[] => text.split(' ') as ProgramOp[]

function findingOf(cell: Cell, found: NativeFinding): ProgramFinding {
  const threads = found.programThreads.map(opsOf)
  const read = readScenario(scenarioOf(cell.order, threads))
  const { outcome, text, row, trace, choices } = found
  const { scheme, layout, behaviour } = cell
  const subject = { read, scheme, layout, behaviour, threads: threads.length, ops: 1, workloadSeed: 1n, maxSteps: 0 }
  return {
    threads,
    outcome: outcome as Finding['outcome'],
    text,
    row: row === null ? null : frozenRow(row),
    trace,
    token: tokenOf(subject, 0, choices),
  }
}

function verdictOf({ violatedPrograms, complete }: NativeExploreResult): SchemeExploration['verdict'] {
  if (violatedPrograms > 0) return 'violated'
  return complete ? 'holds' : 'so far'
}

const rowBase = ({ scheme, layout, order, threads, ops, reason }: Cell) => ({
  scheme: scheme.name,
  layout: layout.name,
  order,
  threads,
  ops,
  reason,
  claims: { answer: scheme.answer, falsePositives: scheme.falsePositives, maxPins: scheme.maxPins },
})

export const nothingOf = (cell: Cell): SchemeExploration => ({
  ...rowBase(cell),
  verdict: 'refused',
  programs: 0,
  allPrograms: 0,
  complete: 0,
  violated: 0,
  classes: 0,
  schedules: 0,
  largest: 0,
  steps: 0,
  seconds: 0,
  first: [],
})

export const rowOf = (cell: Cell, found: NativeExploreResult): SchemeExploration => ({
  ...rowBase(cell),
  verdict: verdictOf(found),
  programs: found.programs,
  allPrograms: found.allPrograms,
  complete: found.completePrograms,
  violated: found.violatedPrograms,
  classes: found.classes,
  schedules: found.schedules,
  largest: found.largest,
  steps: found.steps,
  seconds: found.seconds,
  first: found.first.map((each) => findingOf(cell, each)),
})
