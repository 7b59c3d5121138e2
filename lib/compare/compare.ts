import { setImmediate } from 'node:timers/promises'
import { longCall, type LongCallOptions, type Progress, throwIfAborted, wasAborted } from '../engine/poll.ts'
import type { Layout } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import { answerText } from './answer.ts'
import { measureBoundary, measureFalsePositives, thresholdDisagreement } from './boundaries.ts'
import { measureGroup } from './costs.ts'
import { type CompareDocument, documentVersion, type LayoutEntry, type SchemeEntry } from './document.ts'
import { measureJavaScript } from './javascript.ts'
import { describeMachine } from './machine.ts'
import { type CostGroup, type Effort, makePlan } from './plan.ts'
import { examineRoom } from './rooms.ts'
import { seededRandom } from './statistics.ts'
import type { Subject } from './subject.ts'

/** How far a comparison is. `done` and `total` count steps of about equal length. */
export interface CompareProgress extends Progress {
  readonly total: number
  readonly what: string
}

/** `onProgress` is told of each step, unless `progressIntervalMs` says how often. */
export interface CompareOptions extends LongCallOptions<CompareProgress> {
  effort: Effort
  schemes: readonly Scheme[]
  layouts: readonly Layout[]
  /** On which costs, limits and false positives are measured. */
  costLayout: Layout
  seed: number
}

/** What was compared, and whether that was all. */
export type CompareResult = CompareDocument & { stoppedBy: 'end' | 'abort' }

const layoutEntry = (layout: Layout): LayoutEntry => ({
  name: layout.name,
  summary: layout.summary,
  wordBytes: layout.wordBytes,
  strideBytes: layout.strideBytes,
  kconfig: layout.kconfig.name,
  freeFlagBits: layout.freeFlagBits,
  types: [...layout.types],
  fields: layout.fields.map(({ name, offsetBytes, shift, bits, kind, types, meaning, contested }) => ({
    name,
    offsetBytes,
    shift,
    bits,
    kind,
    types: [...types],
    meaning,
    contested,
  })),
})

const safe = (count: bigint | null): number | string | null =>
  count === null ? null : count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : String(count)

const schemeEntry = (scheme: Scheme): SchemeEntry => ({
  name: scheme.name,
  summary: scheme.summary,
  source: scheme.source,
  where: scheme.where,
  bits: scheme.countBits,
  exact: scheme.exact,
  answer: scheme.answer,
  maxPins: safe(scheme.maxPins),
  falsePositives: scheme.falsePositives,
  locks: scheme.locks,
  room: [],
  probe: [],
  cost: [],
  ledger: [],
  boundaries: [],
  falsePositivesSeen: [],
})

const groupText = (group: CostGroup): string =>
  `${group.op}, ${group.pattern}, ${group.threads} ${group.threads === 1 ? 'thread' : 'threads'}`

/** Steps of a group in the progress bar: costs take most of the time, a room next to none. */
const stepsPerGroup = 20

/**
 * The whole comparison. An abort ends it early: the document then holds what
 * was measured, says that it is not complete and `stoppedBy: 'abort'`. A signal that was
 * aborted before rejects with `ERR_PAGEBOX_ABORTED`.
 */
export async function compare(subject: Subject, options: CompareOptions): Promise<CompareResult> {
  const begin = performance.now()
  const { schemes, layouts, costLayout, seed, signal, onProgress, progressIntervalMs } = options
  const call = longCall<CompareProgress>('compare', { signal, onProgress, progressIntervalMs })
  throwIfAborted(call)
  const machine = describeMachine()
  const plan = makePlan(options.effort, machine)
  const random = seededRandom(seed)
  const document: CompareResult = {
    documentVersion,
    pagebox: subject.version,
    date: new Date().toISOString(),
    complete: false,
    stoppedBy: 'end',
    elapsedSeconds: 0,
    machine,
    settings: {
      effort: options.effort,
      seed,
      costLayout: costLayout.name,
      schemes: schemes.map((scheme) => scheme.name),
      layouts: layouts.map((layout) => layout.name),
      rounds: plan.rounds,
      sampleMs: plan.sampleMs,
    },
    layouts: layouts.map(layoutEntry),
    schemes: schemes.map(schemeEntry),
    limit: [],
    pureJs: [],
    disagreements: [],
    answer: '',
  }
  const entryOf = (name: string): SchemeEntry => document.schemes.find((entry) => entry.name === name) as SchemeEntry

  let done = 0
  const total =
    schemes.length * layouts.length + schemes.length + (plan.groups.length + plan.javascript.length) * stepsPerGroup
  let told = Number.NEGATIVE_INFINITY
  const tell = (what: string): void => {
    const now = performance.now()
    if (progressIntervalMs !== undefined && now - told < call.progressIntervalMs) return
    told = now
    call.onProgress?.({ seconds: (now - begin) / 1000, done, total, what })
  }
  const step = async (what: string, steps = 1): Promise<boolean> => {
    tell(what)
    done += steps
    await setImmediate()
    return !wasAborted(signal)
  }

  async function rooms(): Promise<boolean> {
    for (const layout of layouts) {
      for (const scheme of schemes) {
        if (!(await step(`room: ${scheme.name} in ${layout.name}`))) return false
        const { room, probe, disagreements } = examineRoom(subject, scheme, layout)
        entryOf(scheme.name).room.push(...room)
        entryOf(scheme.name).probe.push(...probe)
        document.disagreements.push(...disagreements)
      }
    }
    return true
  }

  async function limits(): Promise<boolean> {
    for (const scheme of schemes) {
      if (!(await step(`limits: ${scheme.name}`))) return false
      const entry = entryOf(scheme.name)
      const runs = (pageType: 'anon' | 'compound-head', order: number): boolean =>
        ['fits', 'collides'].includes(subject.room({ scheme, layout: costLayout.name, pageType, order }).cell)
      if (runs('anon', 0)) {
        entry.boundaries.push(measureBoundary(subject, scheme, costLayout, { pageType: 'anon', order: 0 }))
        const seen = measureFalsePositives(subject, scheme, costLayout)
        entry.falsePositivesSeen.push(...seen)
        const differs = thresholdDisagreement(scheme, costLayout, seen)
        if (differs !== undefined) document.disagreements.push(differs)
      }
      await setImmediate()
      if (signal?.aborted) return false
      if (runs('compound-head', 9)) {
        entry.boundaries.push(measureBoundary(subject, scheme, costLayout, { pageType: 'compound-head', order: 9 }))
      }
    }
    return true
  }

  async function costs(): Promise<boolean> {
    const start = performance.now()
    // Rooms and limits count against the same time; what is left is for the costs.
    const left = Math.max(0, begin + plan.budgetSeconds * 1000 - start)
    const parts = plan.groups.length + plan.javascript.length
    const roundOptions = (part: number) => ({
      ...plan,
      seed,
      random,
      signal,
      // What one part leaves over, the later ones may use.
      deadline: start + (left * (part + 1)) / parts,
    })
    for (const [part, group] of plan.groups.entries()) {
      if (!(await step(`cost: ${groupText(group)}`, stepsPerGroup))) return false
      for (const { scheme, row, limit } of await measureGroup(
        subject,
        schemes,
        costLayout,
        group,
        roundOptions(part),
      )) {
        const entry = entryOf(scheme)
        if (group.ledger) entry.ledger.push(row)
        else entry.cost.push(row)
        if (limit) document.limit.push(limit)
      }
    }
    const forJs = schemes.filter((scheme) => scheme.name === 'refcount-bias')
    for (const [part, at] of plan.javascript.entries()) {
      if (!(await step(`cost from JavaScript: ${at.pattern}`, stepsPerGroup))) return false
      for (const scheme of forJs) {
        const rows = await measureJavaScript(subject, scheme, costLayout, at, roundOptions(plan.groups.length + part))
        document.pureJs.push(...rows)
      }
    }
    return true
  }

  document.complete = (await rooms()) && (await limits()) && (await costs()) && !wasAborted(signal)
  document.stoppedBy = document.complete ? 'end' : 'abort'
  if (document.complete) done = total
  tell(document.complete ? 'done' : 'aborted')
  document.answer = answerText(document)
  document.elapsedSeconds = (performance.now() - begin) / 1000
  return document
}
