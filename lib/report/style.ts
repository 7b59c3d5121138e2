const light = `
  --ground: #fdfdfc; --raised: #f3f3ef; --text: #1c1d1f; --muted: #5a5d63; --line: #d5d5cf;
  --accent: #1f5fbf; --second: #b0550a; --third: #6a3fb5; --faint: #8d9097; --limit: #d9dad3; --limit-line: #cfd0c8;
  --fits: #dcf1df; --fits-text: #14532d; --collides: #fbdad6; --collides-text: #8a1411;
  --refused: #fbefc9; --refused-text: #6b4a00; --word: #e7ecf5; --word-line: #a9b6cf;
  --claim: #1f5fbf; --hit: #c8231d;`
const dark = `
  --ground: #15171a; --raised: #1f2226; --text: #e8e8e4; --muted: #a5a9b0; --line: #3a3e45;
  --accent: #78aef5; --second: #f0a35c; --third: #bda0f5; --faint: #868b94; --limit: #3b4047; --limit-line: #4a5058;
  --fits: #17392a; --fits-text: #9be8b4; --collides: #51201f; --collides-text: #ffb4ad;
  --refused: #443714; --refused-text: #f5d678; --word: #273245; --word-line: #4d5f80;
  --claim: #78aef5; --hit: #ff6b61;`

/** The look of the page. `extra` is appended for rules that depend on its content. */
export const style = (extra: string): string => `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
:root:has(#theme-light:checked) { color-scheme: light; ${light} }
:root:has(#theme-dark:checked) { color-scheme: dark; ${dark} }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif }
main { max-width: 1720px; margin: 0 auto; padding: 1.5rem clamp(1rem, 2.5vw, 3rem) 5rem }
header { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: baseline; justify-content: space-between }
h1 { font-size: 1.7rem; margin: 0 }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line) }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .2rem }
summary b { font-family: ui-monospace, Menlo, Consolas, monospace }
p { margin: .5rem 0; max-width: 60rem }
.note, figcaption, footer { color: var(--muted); font-size: .9rem }
.answer { margin-top: .9rem; background: var(--raised); border-left: 4px solid var(--accent); padding: .8rem 1rem; max-width: 84rem }
.answer p { max-width: none; margin: 0 }
.bad { color: var(--collides-text) }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 1rem 0 }
a { color: var(--accent) }
fieldset.choice { border: 1px solid var(--line); border-radius: 6px; padding: .4rem .8rem; margin: .6rem 0;
  display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .9rem }
header fieldset.choice { border: 0; padding: 0; margin: 0 }
label { display: inline-flex; gap: .35rem; align-items: center; min-height: 1.9rem }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(46%, 15rem), 1fr)); gap: .5rem 1.2rem; margin: 1rem 0 }
.facts dt { color: var(--muted); font-size: .85rem }
.facts dd { margin: 0; overflow-wrap: anywhere }
.command code { overflow-wrap: anywhere }
.anchor { display: inline-block; width: 1.1em; text-decoration: none; color: var(--faint) }
.anchor::before { content: "#" }
@media (hover: hover) { .anchor { opacity: .25 } :is(tr, figure):hover .anchor, .anchor:focus { opacity: 1 } }
:is(tr, figure, details):target { outline: 2px solid var(--accent); outline-offset: 1px }
tr:target > th { color: var(--accent) }
.choices { display: flex; flex-wrap: wrap; gap: 0 1rem }
.scroll { overflow-x: auto; margin: .6rem 0 }
pre { background: var(--raised); padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0 }
small { font-size: .82em; color: var(--muted) }
table.list small { white-space: nowrap }
table { border-collapse: collapse; font-size: .9rem }
th, td { padding: .3rem .5rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top }
thead th { font-weight: 600; border-bottom: 2px solid var(--line) }
tbody th { font: 500 .85rem/1.5 ui-monospace, Menlo, Consolas, monospace; white-space: nowrap;
  position: sticky; left: 0; background: var(--ground); z-index: 1 }
.number { font-variant-numeric: tabular-nums; white-space: nowrap }
table.list { width: 100% }
@supports (grid-template-columns: subgrid) {
  table.sortable { display: grid; grid-template-columns: repeat(var(--columns), auto) }
  table.sortable :is(thead, tbody, tr) { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1 }
}
table.matrix th, table.matrix td { border: 1px solid var(--line); padding: .25rem .3rem }
table.matrix thead th:not(:first-child), table.matrix td { text-align: center; min-width: 2.9rem }
table.overview td { white-space: nowrap; padding: .25rem .6rem; font-variant-numeric: tabular-nums }
table.matrix thead th:first-child { position: sticky; left: 0; background: var(--ground); z-index: 2 }
abbr { text-decoration: none; font: 500 .8rem ui-monospace, Menlo, Consolas, monospace }
.fits { background: var(--fits); color: var(--fits-text) }
.collides { background: var(--collides); color: var(--collides-text); font-weight: 700 }
.refused { background: var(--refused); color: var(--refused-text) }
.impossible { color: var(--faint) }
[data-tip] { cursor: help }
[data-tip]:focus { outline: 2px solid var(--accent); outline-offset: -2px }
[data-tip]:hover::after, [data-tip]:focus::after { content: attr(data-tip); position: fixed; z-index: 9;
  left: 50%; bottom: 1rem; transform: translateX(-50%); width: max-content; max-width: min(46rem, calc(100vw - 2rem));
  background: var(--text); color: var(--ground); padding: .6rem .9rem; border-radius: 6px;
  font: 400 .9rem/1.45 system-ui, sans-serif; text-align: left; white-space: normal; overflow-wrap: anywhere;
  pointer-events: none }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: 0; margin: .6rem 0; font-size: .9rem }
.legend li { display: flex; align-items: center; gap: .4rem }
.key { display: inline-block; width: 1.7rem; text-align: center; border: 1px solid var(--line) }
.swatch { width: 1.4rem; height: .3rem; border-radius: 2px }
details { margin: .5rem 0 }
summary { cursor: pointer; padding: .25rem 0 }
details ul { font-size: .88rem; overflow-wrap: anywhere; padding-left: 1.2rem }
.descriptor { min-width: 960px; font: 500 .75rem ui-monospace, Menlo, Consolas, monospace }
.word-row { display: flex; align-items: stretch }
.word-type { flex: 0 0 9.6rem; padding: .45rem .5rem .2rem 0; position: sticky; left: 0; z-index: 3; background: var(--ground) }
.words { position: relative; flex: 1; height: 2.5rem; margin: 1px 0; background: var(--raised) }
.ruler .words { height: 1.3rem; background: none }
.ruler span { position: absolute; color: var(--muted); border-left: 1px solid var(--line); padding-left: 3px }
.field { position: absolute; top: 0; height: 1.7rem; overflow: hidden; background: var(--word);
  border: 1px solid var(--word-line); border-radius: 2px; padding: .2rem .2rem }
.field.tiny span { visibility: hidden }
.field span { display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.field.narrow { font-size: .64rem; line-height: 1.7; padding: .2rem .1rem }
.field.contested { border-style: dashed; border-width: 2px; border-color: var(--hit) }
.claim { display: none; position: absolute; bottom: 2px; height: .6rem; min-width: 3px; background: var(--claim); border-radius: 1px }
.claim.hit, .key-claim.hit { background: repeating-linear-gradient(45deg, var(--hit) 0 4px, transparent 4px 7px), var(--collides) }
.key-claim { display: inline-block; width: 1.6rem; height: .6rem; background: var(--claim); border-radius: 1px }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: 1.2rem 2rem }
.small-plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(46%, 13.5rem), 1fr)); gap: .8rem 1rem }
figure { margin: 0 }
figcaption { font-weight: 600; color: var(--text); margin-bottom: .2rem }
.plot { display: block; width: 100%; height: auto; max-width: 34rem; overflow: visible; color: var(--text); fill: currentColor;
  font-family: system-ui, sans-serif }
.plot text { white-space: pre }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .8rem }
code { font: .88em ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere }
@media (max-width: 700px) {
  .scroll::before { content: none }
  main { padding: 1rem .8rem 5rem }
  h1 { font-size: 1.35rem }
  /* A table that is a list becomes cards. */
  table.list, table.list tbody, table.list tr { display: block; width: 100% }
  table.list tbody { display: flex; flex-direction: column }
  table.list thead { display: none }
  table.list tr { border: 1px solid var(--line); border-radius: 6px; padding: .3rem .6rem; margin: .35rem 0 }
  table.list th, table.list td { display: block; border: 0; padding: .1rem 0; white-space: normal }
  table.list td { display: grid; grid-template-columns: 8.5rem 1fr; gap: .5rem; overflow-wrap: anywhere }
  table.list td::before { content: attr(data-head); color: var(--muted) }
  table.list td > small { grid-column: 2; margin-top: -.4rem }
  table.list td:empty { display: none }
  tbody th { position: static; font-size: .9rem }
  /* One sign a page type, headings upright. */
  table.matrix { font-size: .8rem; width: 100%; table-layout: fixed }
  table.matrix th, table.matrix td, table.overview td { padding: .18rem 0 }
  table.matrix thead th:not(:first-child), table.matrix td { min-width: 0 }
  table.matrix thead th:not(:first-child) { writing-mode: vertical-rl; vertical-align: bottom; text-align: left; padding: .3rem 0 }
  table.matrix th:first-child { width: 7.4rem; white-space: normal; overflow-wrap: anywhere; font-size: .72rem; padding-left: .15rem }
  table.matrix .anchor { width: .9em }
  table.overview td { white-space: normal; font-size: .55rem; line-height: 1.25 }
  table.overview td span { display: block }
  /* Fields follow each other as in memory, each with the byte it begins at. */
  .descriptor { min-width: 0 }
  .word-row.ruler { display: none }
  .word-row { display: block; border-top: 1px solid var(--line); padding: .25rem 0 }
  .word-type { position: static; padding: 0 0 .15rem }
  .words { display: flex; flex-wrap: wrap; gap: 2px; height: auto; background: none }
  .field { position: static; width: auto !important; height: auto; max-width: 100% }
  .field.narrow { font-size: .75rem; padding: .2rem }
  .field.tiny span { visibility: visible }
  .field span { display: inline; white-space: normal; overflow-wrap: anywhere }
  .field span::after { content: attr(data-byte); margin-left: .35em; color: var(--muted); font-size: .85em }
  .claim { position: static; flex: 0 0 100%; width: auto !important; height: auto; padding: 0 .3rem; background: none; border-left: 4px solid var(--claim) }
  .claim.hit { background: none; border-left-color: var(--hit) }
  .claim::before { content: attr(data-claim) }
}
@media print {
  :root { ${light} }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  @page { size: landscape; margin: 12mm }
  body { font-size: 11px }
  main { max-width: none; padding: 0 }
  nav, fieldset.choice, .choices, .anchor { display: none }
  h2, h3, summary, figcaption, .word-row.ruler { break-after: avoid }
  h2 + *, h3 + *, summary + * { break-before: avoid }
  section + section h2 { break-before: page; margin-top: 0; border-top: 0 }
  section > p, section > .legend { break-after: avoid }
  tr, figure, .word-row, li, .answer, pre, details.layout { break-inside: avoid }
  thead { display: table-header-group }
  table.sortable { display: table }
  table.sortable thead { display: table-header-group }
  table.sortable tbody { display: table-row-group }
  table.sortable tr { display: table-row }
  .scroll { overflow: visible }
  .descriptor { min-width: 0; font-size: .58rem }
  .field.narrow { font-size: .5rem }
  tbody th, .word-type { position: static }
  details.layout::details-content, details.layout details::details-content { content-visibility: visible; block-size: auto }
  [data-tip]::after { display: none }
}
${extra}`
