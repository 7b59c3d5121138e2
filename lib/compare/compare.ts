import { setImmediate } from 'node:timers/promises'
import { longCall, type LongCallOptions, type Progress, throwIfAborted, wasAborted } from '../engine/poll.ts'
import type { Layout, PageType } from '../page/layout.ts'
import type { Scheme } from '../pins/scheme.ts'
import { answerText } from './answer.ts'
import { measureBoundary, measureFalsePositives, thresholdDisagreement } from './boundaries.ts'
import { GroupCosts } from './costs.ts'
import { isCounted } from './counters.ts'
import { type CompareDocument, documentVersion, type LayoutEntry, type SchemeEntry } from './document.ts'
import { JavaScriptCosts } from './javascript.ts'
import { describeMachine } from './machine.ts'
import { type Memory, memoryOf } from './memory.ts'
import { type CostGroup, type Effort, makePlan } from './plan.ts'
import { examineRoom } from './rooms.ts'
import { measureAll, type Part } from './schedule.ts'
import { seededRandom } from './statistics.ts'
import { nsPerAddition } from './steady.ts'
import type { Subject } from './subject.ts'

/** How far a comparison is. `done` and `total` are milliseconds; the total is what is expected by now. */
export interface CompareProgress extends Progress {
  readonly total: number
  readonly what: string
}

/** `onProgress` is told of each step, unless `progressIntervalMs` says how often. */
export interface MeasureOptions extends LongCallOptions<CompareProgress> {
  effort: Effort
  schemes: readonly Scheme[]
  layouts: readonly Layout[]
  /** On which costs, limits and false positives are measured. */
  costLayout: Layout
  seed: number
  /** The command line that asked for it, for the document. */
  command?: string
  /** Layouts whose rooms are examined first, by name. */
  first?: readonly string[]
  /** No rooms and no limits: a run that adds to another. */
  costsOnly?: boolean
  /** One of several parts: only these schemes on these types of page. */
  only?: (scheme: string, pageType: PageType) => boolean
  /** What processor and system count in the loops, too. */
  counters?: boolean
  /** Told when a part of the document is there: where it is measured, each layout's rooms, all rooms. */
  onPart?: (part: ComparePart, document: CompareDocument) => void
}

export type ComparePart = { what: 'machine' } | { what: 'rooms' } | { what: 'layout'; layout: string }

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

const schemeEntry = (subject: Subject, scheme: Scheme, memory: Memory): SchemeEntry => ({
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
  bytesPerPage: memory.bytesPerPage,
  memory: memory.text,
  builtin: scheme.builtin,
  definition: scheme.builtin ? null : (subject.definition?.(scheme) ?? null),
  room: [],
  probe: [],
  cost: [],
  ledger: [],
  boundaries: [],
  falsePositivesSeen: [],
})

const groupText = (group: CostGroup): string =>
  `${group.op}, ${group.pattern}, ${group.threads} ${group.threads === 1 ? 'thread' : 'threads'}`

const partOf = (what: string, costs: { block(): Promise<void>; width(): number }): Part => ({
  what,
  block: () => costs.block(),
  width: () => costs.width(),
})

/** What a run without a limit in time is taken for until its first costs are known. */
const unboundedGuessMs = 300_000

/**
 * The whole comparison. An abort ends it early: the document then holds what
 * was measured, says that it is not complete and `stoppedBy: 'abort'`. A signal that was
 * aborted before rejects with `ERR_PAGEBOX_ABORTED`.
 */
export async function compare(subject: Subject, options: MeasureOptions): Promise<CompareResult> {
  const begin = performance.now()
  const { schemes, layouts, costLayout, seed, signal, onProgress, progressIntervalMs } = options
  const call = longCall<CompareProgress>('compare', { signal, onProgress, progressIntervalMs })
  throwIfAborted(call)
  const machine = describeMachine()
  const isOwn = (scheme: Scheme, pageType: PageType): boolean => options.only?.(scheme.name, pageType) ?? true
  const plan = makePlan(options.effort, machine)
  const document: CompareResult = {
    documentVersion,
    pagebox: subject.version,
    date: new Date().toISOString(),
    command: options.command ?? '',
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
      runs: 1,
    },
    layouts: layouts.map(layoutEntry),
    schemes: schemes.map((scheme) => schemeEntry(subject, scheme, memoryOf(scheme, costLayout, machine.cores))),
    limit: [],
    pureJs: [],
    disagreements: [],
    answer: '',
  }
  const entryOf = (name: string): SchemeEntry => document.schemes.find((entry) => entry.name === name) as SchemeEntry

  const usualMs = Number.isFinite(plan.budgetSeconds) ? plan.budgetSeconds * 1000 : unboundedGuessMs
  let told = Number.NEGATIVE_INFINITY
  const tell = (what: string, msLeft: number): void => {
    const now = performance.now()
    if (progressIntervalMs !== undefined && now - told < call.progressIntervalMs) return
    told = now
    const done = Math.round(now - begin)
    call.onProgress?.({ seconds: (now - begin) / 1000, done, total: done + Math.round(msLeft), what })
  }
  const step = async (what: string, msLeft = Math.max(0, begin + usualMs - performance.now())): Promise<boolean> => {
    tell(what, msLeft)
    await setImmediate()
    return !wasAborted(signal)
  }

  async function rooms(): Promise<boolean> {
    options.onPart?.({ what: 'machine' }, document)
    const first = (layout: Layout): boolean => options.first?.includes(layout.name) === true
    for (const layout of [...layouts.filter(first), ...layouts.filter((each) => !first(each))]) {
      for (const scheme of schemes) {
        if (!(await step(`room: ${scheme.name} in ${layout.name}`))) return false
        const { room, probe, disagreements } = examineRoom(subject, scheme, layout, (pageType) =>
          isOwn(scheme, pageType),
        )
        entryOf(scheme.name).room.push(...room)
        entryOf(scheme.name).probe.push(...probe)
        document.disagreements.push(...disagreements)
      }
      options.onPart?.({ what: 'layout', layout: layout.name }, document)
    }
    const at = new Map(layouts.map((layout, index) => [layout.name, index]))
    const inOrder = (a: { layout: string }, b: { layout: string }): number =>
      (at.get(a.layout) as number) - (at.get(b.layout) as number)
    for (const entry of document.schemes) {
      entry.room.sort(inOrder)
      entry.probe.sort(inOrder)
    }
    options.onPart?.({ what: 'rooms' }, document)
    return true
  }

  async function limits(): Promise<boolean> {
    for (const scheme of schemes) {
      if (!(await step(`limits: ${scheme.name}`))) return false
      const entry = entryOf(scheme.name)
      const cellOf = (pageType: 'anon' | 'compound-head', order: number): string =>
        isOwn(scheme, pageType)
          ? subject.room({ scheme, layout: costLayout.name, pageType, order }).cell
          : 'of another part'
      const runs = (cell: string): boolean => cell === 'fits' || cell === 'collides'
      const ofAnon = cellOf('anon', 0)
      if (runs(ofAnon)) {
        entry.boundaries.push(measureBoundary(subject, scheme, costLayout, { pageType: 'anon', order: 0 }))
        const seen = measureFalsePositives(subject, scheme, costLayout)
        entry.falsePositivesSeen.push(...seen)
        const differs = thresholdDisagreement(scheme, costLayout, seen)
        // Bits of the page itself may read as a count where the scheme collides.
        if (differs !== undefined && ofAnon === 'fits') document.disagreements.push(differs)
      }
      await setImmediate()
      if (signal?.aborted) return false
      if (runs(cellOf('compound-head', 9))) {
        entry.boundaries.push(measureBoundary(subject, scheme, costLayout, { pageType: 'compound-head', order: 9 }))
      }
    }
    return true
  }

  async function counts(groups: readonly GroupCosts[]): Promise<boolean> {
    for (const each of groups.filter(({ group }) => isCounted(group))) {
      if (!(await step(`counters: ${groupText(each.group)}`, 0))) return false
      for (const { scheme, row } of await each.count()) {
        const entry = entryOf(scheme)
        entry.counted = [...(entry.counted ?? []), row]
      }
    }
    return !wasAborted(signal)
  }

  async function costs(): Promise<boolean> {
    const blocks = { ...plan, seed, signal }
    const groups = plan.groups
      .map((group) => ({ group, own: schemes.filter((scheme) => isOwn(scheme, group.pageType)) }))
      .filter(({ own }) => own.length > 0)
      .map(({ group, own }) => new GroupCosts(subject, own, costLayout, group, blocks))
    const forJs = schemes.find((scheme) => scheme.name === 'refcount-bias' && isOwn(scheme, 'anon'))
    const javascript =
      forJs === undefined
        ? []
        : plan.javascript.map((at) => new JavaScriptCosts(subject, forJs, costLayout, at, blocks))
    const parts: Part[] = [
      ...groups.map((each) => ({
        ...partOf(`cost: ${groupText(each.group)}`, each),
        // One line is set up at once.
        ...(each.group.pattern === 'hot' && each.group.threads === 1 && { fewest: 2 * plan.fewestBlocks }),
      })),
      ...javascript.map((each) => partOf(`cost from JavaScript: ${each.at.pattern}`, each)),
    ]
    /** Anew from all blocks: a document that is looked at in between holds what is known. */
    const gather = (): void => {
      document.limit = []
      for (const entry of document.schemes) entry.cost = []
      for (const entry of document.schemes) entry.ledger = []
      for (const each of groups) {
        for (const { scheme, row, limit } of each.outcomes(seededRandom(seed))) {
          const entry = entryOf(scheme)
          if (each.group.ledger) entry.ledger.push(row)
          else entry.cost.push(row)
          if (limit) document.limit.push(limit)
        }
      }
      document.pureJs = javascript.flatMap((each) => each.rows(seededRandom(seed)))
    }
    const before = nsPerAddition(subject)
    const whole = await measureAll(parts, {
      ...plan,
      // Rooms and limits count against the same time; what is left is for the costs.
      deadline: begin + plan.budgetSeconds * 1000,
      next: step,
    })
    const after = whole ? nsPerAddition(subject) : null
    if (before !== null && after !== null) machine.clockDrift = after / before
    gather()
    if (whole && options.counters === true) return counts(groups)
    return whole
  }

  const before = async (): Promise<boolean> => options.costsOnly === true || ((await rooms()) && (await limits()))
  document.complete = (await before()) && (await costs()) && !wasAborted(signal)
  document.stoppedBy = document.complete ? 'end' : 'abort'
  tell(document.complete ? 'done' : 'aborted', 0)
  document.answer = answerText(document)
  document.elapsedSeconds = (performance.now() - begin) / 1000
  return document
}
