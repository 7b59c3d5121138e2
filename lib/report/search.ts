import { count, digits, range } from '../compare/format.ts'
import type { SearchCandidate, SearchResult, SearchSegment } from '../search/types.ts'
import { pageHeader, sectionsOf } from './frame.ts'
import { head } from './head.ts'
import { html, Markup } from './html.ts'
import { answerText } from '../search/words.ts'

const ofDescriptor = (tail: number): string => (tail === 0 ? 'page' : `page[${tail}]`)

/** Each word in a line of its own, so that a phone shows it too: a bit is as wide in each. */
function wordRow(segments: readonly SearchSegment[]): Markup {
  const [first] = segments
  const byte = first?.offsetBytes ?? 0
  return html`<div class="map-word"><div class="map-byte">byte ${byte}</div><div class="map-bits">${segments.map(
    (segment) => {
      const { shift, users, candidates } = segment
      const kind = candidates.length > 0 ? 'candidate' : users.length === 0 ? 'free' : 'held'
      const who = [...new Set(users.map(({ field }) => field))].join(', ')
      const name = candidates.length > 0 ? `${candidates.join(', ')}${who === '' ? '' : ` over ${who}`}` : who || 'free'
      const last = shift + segment.bits - 1
      const tip = `bits ${shift}-${last}: ${users.map(({ field, types }) => `${field} on ${types.join(', ')}`).join('; ') || 'free'}`
      return html`<div class="map-part map-${kind}" style="flex: ${segment.bits} ${segment.bits} 0" title="${tip}"><b>${shift}-${last}</b> ${name}</div>`
    },
  )}</div></div>`
}

function mapSection({ map }: SearchResult): Markup {
  const tails = [...new Set(map.map(({ tail }) => tail))]
  return html`<p class="note">Bits ascend to the right. <span class="map-key map-candidate">a candidate counts here</span>
<span class="map-key map-free">free</span> <span class="map-key map-held">live</span></p>${tails.map((tail) => {
    const of = map.filter((segment) => segment.tail === tail)
    const bytes = [...new Set(of.map(({ offsetBytes }) => offsetBytes))]
    return html`<h3>${ofDescriptor(tail)}</h3><div class="map">${bytes.map((byte) =>
      wordRow(of.filter(({ offsetBytes }) => offsetBytes === byte)),
    )}</div>`
  })}`
}

function candidatesTable(candidates: readonly SearchCandidate[]): Markup {
  return html`<table class="list"><thead><tr><th>candidate</th><th>place</th><th>pins</th><th>answer</th><th>locks</th>
<th>bytes a page</th><th>hot, ns</th><th>cold, ns</th></tr></thead><tbody>${candidates.map(
    (
      each,
    ) => html`<tr${each.front && new Markup(' class="front"')}><th>${each.front ? '★ ' : ''}${each.definition.name}</th>
<td data-head="place"><span>${each.place}</span></td><td data-head="pins">${count(each.maxPins)}</td>
<td data-head="answer">${answerText(each)}</td><td data-head="locks">${each.locks || 'none'}</td>
<td data-head="bytes a page">${each.bytesPerPage}</td>
<td class="number" data-head="hot, ns">${each.cost?.hot ? range(each.cost.hot) : '-'}</td>
<td class="number" data-head="cold, ns">${each.cost?.cold ? digits(each.cost.cold.median) : '-'}</td></tr>`,
  )}</tbody></table>`
}

const frontSection = ({ candidates }: SearchResult): Markup =>
  html`<p>On the front (★) nobody is better in one of cost, exactness, limit, memory, locks and flag bits, and as good in the
others. Costs whose 95 % intervals overlap count as the same.</p>${candidates
    .filter(({ front }) => front)
    .map(
      ({ definition, layout, place }) =>
        html`<h3>${definition.name}: ${place}</h3>${layout && html`<p class="note">With a layout that names the place: pincount ${JSON.stringify(layout.pincount)}; --json has all of it.</p>`}<pre>${JSON.stringify(definition, null, 2)}</pre>`,
    )}`

const whyNotSection = ({ excluded }: SearchResult): Markup =>
  html`<table class="list"><thead><tr><th>place</th><th>why not</th></tr></thead><tbody>${excluded.map(
    ({ place, because }) =>
      html`<tr><th class="wraps">${place}</th><td data-head="why not"><span>${because}</span></td></tr>`,
  )}</tbody></table>`

const withoutSection = ({ without }: SearchResult): Markup =>
  html`<table class="list"><thead><tr><th>without</th><th>remains besides</th></tr></thead><tbody>${without.map(
    ({ demand, remains }) =>
      html`<tr><th>${demand}</th><td data-head="remains"><span>${[...new Set(remains.map(({ place }) => place))].join('; ') || 'nothing more'}</span></td></tr>`,
  )}</tbody></table>`

const rules = `
.map { margin: .4rem 0 }
.map-word { display: grid; grid-template-columns: 4.2rem 1fr; margin: .15rem 0 }
.map-byte { color: var(--muted); font-size: .8rem; align-self: center }
.map-bits { display: flex; min-width: 0 }
.map-part { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: .2rem .3rem;
  font-size: .78rem; border: 1px solid var(--word-line) }
.map-part b { font-weight: 500; color: var(--muted) }
.map-held { background: var(--word) } .map-free { background: var(--ground) }
.map-candidate { background: var(--fits); color: var(--fits-text) }
.map-key { padding: .1rem .4rem; border: 1px solid var(--word-line); white-space: nowrap; color: var(--text) }
.map-key.map-candidate { color: var(--fits-text) }
td[data-head='pins'] { white-space: nowrap }
tbody th.wraps { white-space: normal; min-width: 14rem }
@media (max-width: 700px) {
  .map-bits { flex-direction: column }
  .map-part { flex: none !important; white-space: normal; overflow-wrap: anywhere }
  tbody th.wraps { min-width: 0 }
}`

/** The answer of a search as one page that needs neither network nor script; its policy forbids both. */
export function searchPage(result: SearchResult): string {
  const { asked, candidates, findings } = result
  const demands = [
    `orders ${asked.orders.join(', ')}`,
    `${count(asked.minPins)} pins or more`,
    asked.exact && 'exact',
    asked.fuzzyFrom !== null && `fuzzy from ${asked.fuzzyFrom} on`,
    asked.noGrowth && 'no growth',
    asked.noLock && 'no lock',
    asked.maxFlagBits !== null && `at most ${asked.maxFlagBits} flag bits`,
  ].filter((each) => each !== false)
  const inside = candidates.filter(({ where }) => where === 'inside').length
  const sections = [
    { id: 'map', title: 'The descriptor, and who lives where', content: mapSection(result) },
    { id: 'candidates', title: 'Candidates', content: candidatesTable(candidates) },
    { id: 'front', title: 'The front, ready to paste', content: frontSection(result) },
    { id: 'without', title: 'Which demand costs what', content: withoutSection(result) },
    { id: 'why-not', title: 'Why not', content: whyNotSection(result) },
  ]
  return html`${head(`pagebox search: ${result.layout}`, rules)}
<body><main>
${pageHeader(`Where can a pin count live in ${result.layout}?`)}
<div class="answer"><p>Of ${asked.types.join(', ')} pages; ${demands.join(', ')}:
${inside} ${inside === 1 ? 'candidate' : 'candidates'} inside the descriptor, ${candidates.length - inside} with more memory.${!result.complete && ' Stopped before the end: proofs and costs are not complete.'}</p></div>
${findings.map((each) => html`<p class="bad">${each}</p>`)}
${sectionsOf(sections)}
</main></body>
</html>
`.text
}
