import { costAt } from './situation.ts'
import type { CompareDocument, SchemeEntry } from './document.ts'
import { count, digits } from './format.ts'
import { overlap } from './interval.ts'
import { hotBytes } from './plan.ts'
import { contestedFields, fitsEverywhere, isZoneDevice, verdict } from './verdict.ts'

const hot = { pattern: 'hot', workingSetBytes: hotBytes, threads: 1, pageType: 'anon', order: 0, layout: '' } as const

const list = (names: readonly string[]): string =>
  names.length <= 1 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

const costOf = (scheme: SchemeEntry): number | undefined => costAt(scheme.cost, hot)?.nsPerOp.median

const costText = (scheme: SchemeEntry): string => {
  const row = costAt(scheme.cost, hot)
  if (row === undefined) return 'cost not measured'
  const ratio = row.timesLimit === null ? '' : `, ${digits(row.timesLimit.median)} times its hand-written loop`
  return `${digits(row.nsPerOp.median)} ns for a pin and its unpin on a hot line${ratio}`
}

/** What the November 2018 proposal damages where the thread looked: on device pages. */
function overlayText(document: CompareDocument): string {
  const layout = document.layouts.find((each) => each.name === 'linux-4.20') ?? document.layouts[0]
  const overlay = document.schemes.find((each) => each.name === 'lru-overlay')
  if (layout === undefined || overlay === undefined) return ''
  const { collides, hitFields } = verdict(overlay, layout.name, layout.types.filter(isZoneDevice))
  if (collides.length === 0) return ''
  return `In ${layout.name} the LRU overlay destroys ${list(hitFields)} on ${collides.length} kinds of ZONE_DEVICE page. `
}

function noRoomText(document: CompareDocument, everywhere: SchemeEntry[]): string {
  const others = document.schemes.filter((scheme) => !everywhere.includes(scheme))
  return others.length === 0 ? '' : ` Somewhere without room: ${list(others.map((scheme) => scheme.name))}.`
}

/** The proposals that make room by taking it from somebody. */
function contestText(document: CompareDocument): string {
  const contested = document.layouts.filter((layout) => contestedFields(layout).size > 0)
  if (contested.length === 0) return ''
  const fields = [...new Set(contested.flatMap((layout) => [...contestedFields(layout).keys()]))]
  const names = contested.map((layout) => layout.name)
  return `${list(names)} ${names.length === 1 ? 'makes' : 'make'} room only by taking ${list(fields)} from pages that need them. `
}

/** Whoever cannot be told from the one with the lowest median: their intervals overlap. */
function cheapest(schemes: readonly SchemeEntry[]): SchemeEntry[] {
  const known = schemes
    .flatMap((scheme) => {
      const row = costAt(scheme.cost, hot)
      return row === undefined ? [] : [{ scheme, nsPerOp: row.nsPerOp }]
    })
    .sort((a, b) => a.nsPerOp.median - b.nsPerOp.median)
  const [first] = known
  return known.filter((each) => first && overlap(each.nsPerOp, first.nsPerOp)).map(({ scheme }) => scheme)
}

const memoryText = ({ bytesPerPage }: SchemeEntry): string =>
  bytesPerPage === undefined || bytesPerPage === 0 ? '' : `, for ${bytesPerPage} bytes more on every page`

const natureText = (scheme: SchemeEntry): string =>
  `${scheme.exact ? 'exact' : `fuzzy (${scheme.falsePositives})`}, at most ${count(scheme.maxPins)} pins a page`

/** One winner, or those that share the place because the measurement cannot tell them apart. */
function placeText(what: string, winners: readonly SchemeEntry[], detail: (scheme: SchemeEntry) => string): string {
  const [first] = winners
  if (first === undefined) return ''
  if (winners.length === 1) {
    return ` The cheapest ${what} is ${first.name}${memoryText(first)}: ${costText(first)}${detail(first)}.`
  }
  const each = winners.map((scheme) => `${scheme.name} (${digits(costOf(scheme) as number)} ns${memoryText(scheme)})`)
  return ` The cheapest ${what}, a tie within the noise of this measurement: ${list(each)} for a pin and its unpin on a hot line.`
}

const needsMemory = ({ bytesPerPage }: SchemeEntry): boolean => (bytesPerPage ?? 0) > 0

function choiceText(telling: readonly SchemeEntry[]): string {
  const winners = cheapest(telling)
  const exact = telling.filter((scheme) => scheme.exact)
  const exactWinners = winners.some((scheme) => !scheme.exact) ? cheapest(exact) : []
  const said = exactWinners.length > 0 ? exactWinners : winners
  // An exact count that costs memory on every page is no rival of one that costs none.
  const frugal = said.every(needsMemory) ? cheapest(exact.filter((scheme) => !needsMemory(scheme))) : []
  return [
    placeText('of them that knows a pin', winners, (scheme) => `; ${natureText(scheme)}`),
    placeText('exact one', exactWinners, (scheme) => ` (${scheme.where})`),
    placeText('exact one that needs no memory beside the descriptor', frugal, (scheme) => ` (${scheme.where})`),
  ].join('')
}

/** The answer to the thread's question in one paragraph, from nothing but the document. */
export function answerText(document: CompareDocument): string {
  const everywhere = fitsEverywhere(document)
  const overlay = overlayText(document)
  if (everywhere.length === 0) {
    return `${overlay}None of these schemes fits every page type of every layout looked at.`
  }
  const telling = everywhere.filter((scheme) => scheme.answer !== 'unknown')
  const fits = `${list(everywhere.map((scheme) => scheme.name))} ${everywhere.length === 1 ? 'fits' : 'fit'} every page that can be pinned in every layout looked at`
  const silent = everywhere.filter((scheme) => scheme.answer === 'unknown').map((scheme) => scheme.name)
  const plain = silent.length === 0 ? '' : `, though ${list(silent)} cannot tell a pin from a reference`
  return `${overlay}${contestText(document)}${fits}${plain}.${choiceText(telling)}${noRoomText(document, everywhere)}`
}
