import { availableParallelism } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { now } from '../base/primordials.ts'
import { throwIfAborted, wasAborted } from '../engine/poll.ts'
import { PageboxError } from '../errors.ts'
import { forgetLayout, layouts } from '../page/layouts.ts'
import { forgetScheme, schemes } from '../pins/schemes.ts'
import type { Layout } from '../page/layout.ts'
import { type Question, readQuestion } from './ask.ts'
import { type Form, formsOf } from './forms.ts'
import { ranked } from './front.ts'
import { isCandidate, type Judged, judge, refusedOn, whyNot, withOneLess } from './judge.ts'
import { type Cost, measure, measureSteps } from './measure.ts'
import { overlaps, placeText, type Segment, segmentsOf, usersText } from './places.ts'
import { probeText, prove } from './prove.ts'
import type {
  SearchCandidate,
  SearchExcluded,
  SearchOptions,
  SearchPlace,
  SearchProof,
  SearchResult,
  SearchWithout,
} from './types.ts'

/** What the parts usually take, in milliseconds, for the progress. */
const proofMs = 60
const measureMs = 400

/** What is taken back at the end. */
interface Defined {
  readonly schemes: string[]
  readonly layouts: string[]
}

/** Every form as a scheme for the time of the search, held against the demands; invalid ones are none. */
function judgeAll(question: Question, defined: Defined): Judged[] {
  const cpus = availableParallelism()
  return formsOf(question).flatMap((form) => {
    let { name } = form.definition
    for (let copy = 2; schemes.has(name); copy++) name = `${form.definition.name}-${copy}`
    const named: Form = { ...form, definition: { ...form.definition, name } }
    try {
      const scheme = schemes.define(named.definition)
      defined.schemes.push(name)
      return [judge(named, scheme, layoutFor(form, question, defined), question, cpus)]
    } catch (error) {
      // A cut of bits that no protocol takes: its place says why it has no candidate.
      const invalid = ['ERR_PAGEBOX_SCHEME_INVALID', 'ERR_PAGEBOX_LAYOUT_INVALID']
      if (error instanceof PageboxError && invalid.includes(error.code)) return []
      throw error
    }
  })
}

/** The layout that was asked for, or for the time of the search the one that names the place. */
function layoutFor({ layout: definition }: Form, { layout }: Question, defined: Defined): Layout {
  if (definition === undefined) return layout
  let { name } = definition
  for (let copy = 2; layouts.has(name); copy++) name = `${definition.name.slice(0, 60)}-${copy}`
  const made = layouts.define({ ...definition, name })
  defined.layouts.push(name)
  return made
}

/** Why free bits have nobody who counts there. */
function whyFree(segment: Segment, judged: readonly Judged[], { layout }: Question): string {
  const { tail, offsetBytes } = layout.pincount
  if (segment.tail > 0 && tail !== 0)
    return `free, but ${layout.name} has its pin count in page[${tail}], byte ${offsetBytes}`
  const here = judged.filter(({ places }) => places.some((place) => overlaps(place, segment)))
  const [reason] = here.map((each) => whyNot(each, layout)).filter((text) => text !== '')
  return reason === undefined
    ? `free, but ${segment.bits === 1 ? 'one bit' : `${segment.bits} bits`} that no protocol can count in`
    : `free, but a count here ${reason}`
}

const atOf = ({ tail, offsetBytes, shift, bits }: SearchPlace): SearchPlace => ({ tail, offsetBytes, shift, bits })

function excludedOf(segments: readonly Segment[], judged: readonly Judged[], question: Question): SearchExcluded[] {
  const counted = judged.filter(isCandidate)
  const places = segments
    .filter((segment) => !counted.some((each) => each.places.some((place) => overlaps(place, segment))))
    .map((segment): SearchExcluded => {
      const because = segment.users.length === 0 ? whyFree(segment, judged, question) : usersText(segment.users)
      return { place: placeText(segment, question.layout), because, at: atOf(segment) }
    })
  const ways = judged
    .filter((each) => each.known && !isCandidate(each))
    .map((each): SearchExcluded => ({ place: each.place, because: whyNot(each, question.layout), at: null }))
  const flags = judged.some(({ place }) => place.startsWith('flags, '))
    ? []
    : [
        {
          place: 'spare bits of flags',
          because: `none: the Kconfig of ${question.layout.name} (${question.layout.kconfig.name}) leaves no bit free`,
          at: null,
        },
      ]
  return [...places, ...flags, ...ways]
}

/** The same forms, held against one demand less. */
function withoutOf(judged: readonly Judged[], question: Question): SearchWithout[] {
  const cpus = availableParallelism()
  return withOneLess(question).map(({ demand, question: less }) => ({
    demand,
    remains: judged
      .filter((each) => !isCandidate(each) && !each.refuted)
      .map((each) => judge(each, each.scheme, each.on, less, cpus))
      .filter(isCandidate)
      .map(({ definition, layout = null, place, where, exact, maxPins, scheme, bytesPerPage }) => ({
        definition,
        layout,
        place,
        where,
        exact,
        maxPins,
        locks: scheme.locks,
        bytesPerPage,
      })),
  }))
}

const candidateOf = (each: Judged, proof: SearchProof, question: Question): Omit<SearchCandidate, 'front'> => ({
  definition: each.definition,
  layout: each.layout ?? null,
  place: each.place,
  where: each.where,
  places: each.places,
  bits: each.scheme.countBits,
  maxPins: each.maxPins,
  exact: each.exact,
  fuzzyFrom: each.fuzzyFrom,
  locks: each.scheme.locks,
  bytesPerPage: each.bytesPerPage,
  flagBits: each.flagBits,
  refusedOn: refusedOn(each, question),
  cost: null,
  proof,
})

/**
 * Where a pin count can live: every place of the descriptor and beside it, each protocol and width, on all page types and
 * orders that were asked for. Candidates are probed on memory, raced, explored and measured; every other place says why
 * not. What `pagebox search --json` prints.
 *
 * An abort resolves with all places and what was proved and measured of them, `complete: false` and
 * `stoppedBy: 'abort'`. Bad options reject with `ERR_PAGEBOX_ARG_TYPE`, `_ARG_RANGE` or `_LAYOUT_UNKNOWN`.
 */
export async function search(value: SearchOptions = {}): Promise<SearchResult> {
  const question = readQuestion(value)
  const { layout, asked, kinds, call } = question
  throwIfAborted(call)
  const { signal } = call
  const began = now()
  const defined: Defined = { schemes: [], layouts: [] }
  try {
    const judged = judgeAll(question, defined)
    const segments = segmentsOf(layout, asked.types, asked.orders)
    const counted = judged.filter(isCandidate)
    const total =
      counted.length * kinds.length * proofMs + new Set(counted.map(({ on }) => on)).size * measureSteps * measureMs
    let done = 0
    let told = began
    const step = (ms: number, what: string): void => {
      done += ms
      if (call.onProgress === undefined || now() - told < call.progressIntervalMs) return
      told = now()
      call.onProgress({ seconds: (told - began) / 1000, done, total, what })
    }
    const findings: string[] = []
    const failed = new Map<string, string>()
    const proofs = new Map<string, SearchProof>()
    for (const each of counted) {
      const { name } = each.definition
      const proof = { probed: 0, raceOps: 0, schedules: 0 }
      proofs.set(name, proof)
      for (const kind of kinds) {
        if (wasAborted(signal)) break
        const differs = probeText(each.scheme, each.on, kind)
        proof.probed++
        const found =
          differs === null
            ? await proveUnlessAborted(each, question, kind)
            : { raceOps: 0, schedules: 0, finding: differs }
        proof.raceOps += found.raceOps
        proof.schedules += found.schedules
        step(proofMs, `proving ${name}`)
        await setImmediate()
        if (found.finding === null) continue
        findings.push(`${name}: ${found.finding}`)
        failed.set(name, found.finding)
        break
      }
    }
    const proved = counted.filter(({ definition }) => !failed.has(definition.name))
    const [kind] = kinds
    const costs = new Map<string, Cost>()
    // Descriptors of one layout are timed in the same rounds; another layout has descriptors of its own.
    for (const on of new Set(proved.map((each) => each.on))) {
      if (kind === undefined || wasAborted(signal)) break
      const of = proved.filter((each) => each.on === on).map(({ scheme }) => scheme)
      const found = await measure(of, on, kind, { signal, onStep: () => step(measureMs, 'measuring') })
      for (const [name, cost] of found) costs.set(name, cost)
    }
    const candidates = ranked(
      proved.map((each) => {
        const proof = proofs.get(each.definition.name) as SearchProof
        return { ...candidateOf(each, proof, question), cost: costs.get(each.definition.name) ?? null }
      }),
    )
    const refuted = judged.map((each): Judged => {
      const finding = failed.get(each.definition.name)
      return finding === undefined ? each : { ...each, broken: [finding], refuted: true }
    })
    const aborted = wasAborted(signal)
    return {
      layout: layout.name,
      asked,
      candidates,
      excluded: excludedOf(segments, refuted, question),
      map: segments.map((segment) => ({
        ...segment,
        candidates: candidates
          .filter(({ places }) => places.some((place) => overlaps(place, segment)))
          .map(({ definition }) => definition.name),
      })),
      without: withoutOf(refuted, question),
      findings,
      complete: !aborted,
      stoppedBy: aborted ? 'abort' : 'done',
      seconds: (now() - began) / 1000,
    }
  } finally {
    for (const name of defined.schemes) forgetScheme(name)
    for (const name of defined.layouts) forgetLayout(name)
  }
}

/** A proof that the signal cut off before it had anything proves nothing. */
async function proveUnlessAborted({ scheme, on }: Judged, { call }: Question, kind: Question['kinds'][number]) {
  try {
    return await prove(scheme, on, kind, call.signal)
  } catch (error) {
    if (error instanceof PageboxError && error.code === 'ERR_PAGEBOX_ABORTED')
      return { raceOps: 0, schedules: 0, finding: null }
    throw error
  }
}

export type * from './types.ts'
