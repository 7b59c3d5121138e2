import { type Candidate, eraCandidates, kernelsText } from './candidates.ts'
import { compareReleases, type Release, releaseText } from './eras.ts'
import { formsOf, overlaps, rangeOf, releaseOf } from './evidence.ts'
import { type Printed, printedOf, type Words } from './facts.ts'
import { agreesWithPrint, readFlagBits } from './flagNames.ts'
import { fieldAt } from './high.ts'
import { Image, tailBit } from './image.ts'
import { plausibility, printedCountsFit } from './plausible.ts'
import { type FormName, forms } from './printedForms.ts'
import type { RawDump } from './rawDump.ts'
import type { Confidence } from './types.ts'

/** The layout that a dump is read by, and why that one. */
export interface Choice {
  readonly candidate: Candidate
  readonly confidence: Confidence
  readonly reason: string
  /** Kernels that this can be: `'6.12 to 6.13'`. */
  readonly kernels: string | null
  /** Other layouts for which as much speaks. */
  readonly alike: readonly string[]
  /** Whether these give other names to the set bits. */
  readonly flagsUnsure: boolean
  readonly warnings: readonly string[]
}

interface Scored {
  readonly candidate: Candidate
  readonly score: number
  readonly flags: 'agree' | 'differ' | 'silent'
  readonly kernel: boolean | null
  readonly against: readonly string[]
  readonly for: readonly string[]
}

/** What is the same for every candidate. */
interface Case {
  readonly dump: RawDump
  readonly words: Words
  readonly forms: readonly FormName[]
  readonly release: Release | null
  readonly printed: Printed
}

function score({ dump, words, forms: found, release, printed }: Case, candidate: Candidate): Scored {
  const against: string[] = []
  const pro: string[] = []
  let total = 0
  let kernel: boolean | null = null
  if (release !== null && candidate.from !== null) {
    kernel = overlaps(candidate, { from: release, to: release })
    total += kernel ? 30 : -20
  }
  for (const name of found) {
    const form: { said: string; from?: Release; to?: Release } = forms[name]
    const fits = overlaps(candidate, form)
    total += fits ? 4 : -16
    ;(fits ? pro : against).push(form.said)
  }
  let flags: Scored['flags'] = 'silent'
  if (dump.flags !== null) {
    const agrees = agreesWithPrint(dump.flags.value, dump.flags.names, candidate)
    flags = agrees ? (dump.flags.names.length > 0 ? 'agree' : 'silent') : 'differ'
    total += agrees ? 10 + 4 * Math.min(dump.flags.names.length, 6) : -60
  }
  if (dump.type !== null) total += typeFits(dump, candidate) ? 6 : -10
  if (candidate.wordBytes !== null && candidate.wordBytes !== words.wordBytes) total -= 200
  const { strideBytes } = candidate.layout ?? { strideBytes: 0 }
  if (strideBytes > 0 && words.page.length * words.wordBytes > strideBytes) total -= 30
  total += plausibility(dump, words, candidate) + highFits(dump, candidate)
  total += printedCountsFit(dump, words, printed, candidate)
  total += headFits(words, candidate) + (candidate.era?.weight ?? 1)
  return { candidate, score: total, flags, kernel, against, for: pro }
}

/** An imported layout knows the widths of zone and node: they must give what is printed. */
function highFits({ flags }: RawDump, { highFields, layout }: Candidate): number {
  if (layout === null || highFields === null) return 0
  const fields = flags === null ? [] : Object.entries(flags.fields)
  const right = fields.filter(([name, value]) => {
    const place = highFields.find((each) => each.name === name)
    return place !== undefined && flags !== null && BigInt(fieldAt(flags.value, place)) === value
  })
  return 1 + (right.length === fields.length ? 2 * fields.length : -30)
}

function typeFits({ type }: RawDump, { typeOf }: Candidate): boolean {
  if (type === null || type.name === '') return true
  const word = type.whole ? Number(type.value) : Number(type.value) * 0x1000000
  const name = typeOf(word >>> 0)
  return name === type.name || (type.name === 'unknown' && name !== null)
}

/** The second descriptor of a folio tells 6.12 from 6.15: the number of pages lies elsewhere. */
function headFits({ head, wordBytes }: Words, { tail }: Candidate): number {
  const second = head[1]
  if (second === undefined || wordBytes !== 8 || tail.nrPages === undefined || tail.order.byte !== 0) return 0
  const { byte } = tail.nrPages
  const word = second[byte >> 3]
  if (word === undefined) return 0
  const pages = Number((word >> BigInt((byte % 8) * 8)) & 0xffffffffn)
  const order = Number((second[0] ?? 0n) & 0xffn)
  return order < 31 && pages === 2 ** order ? 6 : -6
}

/**
 * Chooses among the eras and other layouts the one that the printed facts and the words speak for. Never null: what
 * speaks for none is read by the likeliest, with low confidence.
 */
export function choose(dump: RawDump, words: Words, extra: readonly Candidate[], only: Candidate | null): Choice {
  const all = only === null ? [...extra, ...eraCandidates] : [only]
  const seen: Case = { dump, words, forms: formsOf(dump), release: releaseOf(dump.kernel), printed: printedOf(dump) }
  const scored = all.map((candidate) => score(seen, candidate)).sort((a, b) => b.score - a.score)
  const best = scored[0] as Scored
  const warnings: string[] = []
  if (best.flags === 'differ')
    warnings.push(
      `the names of the flags line and the bits of layout ${best.candidate.name} differ: the printed names are taken`,
    )
  if (best.kernel === false)
    warnings.push(`the log names kernel ${dump.kernel}, and the dump does not look like one of it`)
  if (only !== null) {
    const reason = best.against.length > 0 ? `given; but the log ${best.against.join(', ')}` : 'given'
    return {
      candidate: only,
      confidence: best.flags === 'agree' ? 'high' : 'medium',
      reason,
      kernels: kernelsOf(dump, [best]),
      alike: [],
      flagsUnsure: false,
      warnings,
    }
  }
  const alike = scored.slice(1).filter((each) => best.score - each.score < 3 && each.candidate.era !== null)
  const reading = readingOf(dump, words, best.candidate)
  const different = alike.filter((each) => readingOf(dump, words, each.candidate) !== reading)
  return {
    candidate: best.candidate,
    confidence: confidenceOf(best, alike.length, different.length),
    reason: reasonOf(
      dump,
      best,
      alike.map((each) => each.candidate.name),
    ),
    kernels: kernelsOf(dump, [best, ...alike]),
    alike: alike.map((each) => each.candidate.name),
    flagsUnsure:
      dump.flags === null && alike.some((each) => flagsOf(words, each.candidate) !== flagsOf(words, best.candidate)),
    warnings,
  }
}

const flagsOf = ({ page }: Words, candidate: Candidate): string =>
  page[0] === undefined ? '' : readFlagBits(page[0], candidate, 64).names.join()

/** What a candidate makes of this dump, to tell whether it matters which one is right. */
function readingOf({ flags }: RawDump, { page, wordBytes }: Words, candidate: Candidate): string {
  const places = candidate.places(wordBytes)
  const tail = tailBit(page[places.lruNext / wordBytes])
  const names = flags === null && page[0] !== undefined && !tail ? readFlagBits(page[0], candidate, 64).names : []
  const type =
    page.length === 0 ? null : candidate.typeOf(new Image(page, wordBytes, false).unsigned(places.mapcount, 32) ?? 0)
  return JSON.stringify([places, names, type])
}

function confidenceOf(best: Scored, alike: number, different: number): Confidence {
  if (best.flags === 'differ' || best.kernel === false || different > 0) return 'low'
  const printed = best.for.length - 2 * best.against.length
  const confirmed = best.kernel === true || best.flags === 'agree'
  if (best.against.length === 0 && confirmed && printed >= 2 && alike <= 1) return 'high'
  return confirmed || printed >= 2 || alike <= 2 ? 'medium' : 'low'
}

function kernelsOf(dump: RawDump, all: readonly Scored[]): string | null {
  const release = releaseOf(dump.kernel)
  if (release !== null) return releaseText(release)
  let first: Release | null = null
  let last: Release | null = null
  for (const {
    candidate: { from, to },
  } of all) {
    if (from === null || to === null) continue
    if (first === null || compareReleases(from, first) < 0) first = from
    if (last === null || compareReleases(to, last) > 0) last = to
  }
  const range = rangeOf(formsOf(dump))
  if (range === null || first === null || last === null) return kernelsText(first, last)
  const from = compareReleases(range.from, first) > 0 ? range.from : first
  const to = compareReleases(range.to, last) < 0 ? range.to : last
  return compareReleases(from, to) <= 0 ? kernelsText(from, to) : kernelsText(first, last)
}

function reasonOf(dump: RawDump, best: Scored, alike: readonly string[]): string {
  const said: string[] = []
  if (best.kernel === true) said.push(`the log names kernel ${dump.kernel}`)
  if (best.flags === 'agree') said.push('names and bits of the flags line agree with it')
  if (best.for.length > 0) said.push(`the log ${best.for.slice(0, 4).join(', ')}`)
  if (best.against.length > 0) said.push(`although it ${best.against.join(', ')}`)
  if (said.length === 0) said.push('its words make the likeliest page this way; nothing printed tells')
  if (alike.length > 0) said.push(`as much speaks for ${alike.join(', ')}`)
  return said.join('; ')
}
