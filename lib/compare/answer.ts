import { costAt } from './situation.ts'
import type { CompareDocument, SchemeEntry } from './document.ts'
import { count, digits } from './format.ts'
import { hotBytes } from './plan.ts'
import { fitsEverywhere, isZoneDevice, verdict } from './verdict.ts'

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

/** The answer to the thread's question in one paragraph, from nothing but the document. */
export function answerText(document: CompareDocument): string {
  const everywhere = fitsEverywhere(document)
  const overlay = overlayText(document)
  if (everywhere.length === 0) {
    return `${overlay}None of these schemes fits every page type of every layout looked at.`
  }
  const telling = everywhere.filter((scheme) => scheme.answer !== 'unknown')
  const cheapest = telling
    .filter((scheme) => costOf(scheme) !== undefined)
    .sort((a, b) => (costOf(a) as number) - (costOf(b) as number))[0]
  const fits = `${list(everywhere.map((scheme) => scheme.name))} ${everywhere.length === 1 ? 'fits' : 'fit'} every page that can be pinned in every layout looked at`
  const silent = everywhere.filter((scheme) => scheme.answer === 'unknown').map((scheme) => scheme.name)
  const plain = silent.length === 0 ? '' : `, though ${list(silent)} cannot tell a pin from a reference`
  const choice =
    cheapest === undefined
      ? ''
      : ` The cheapest of them that knows a pin is ${cheapest.name}: ${costText(cheapest)}; ${
          cheapest.exact ? 'exact' : `fuzzy (${cheapest.falsePositives})`
        }, at most ${count(cheapest.maxPins)} pins a page.`
  return `${overlay}${fits}${plain}.${choice}${noRoomText(document, everywhere)}`
}
