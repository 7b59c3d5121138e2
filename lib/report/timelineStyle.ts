/** What the page of timelines has beside the style of every report. */
export const timelineStyle = `
.timeline { --lane: 15rem }
.outcome { border-left-color: var(--hit); overflow-wrap: anywhere }
.outcome.clean { border-left-color: var(--fits-text) }
.stage { display: grid; gap: 1rem 1.5rem; grid-template-columns: minmax(0, 1fr); align-items: start }
.panel[hidden] { display: none }
.controls { display: flex; flex-wrap: wrap; gap: .4rem .6rem; align-items: center }
.controls input[type=range] { flex: 1 1 100%; min-height: 2rem; accent-color: var(--accent) }
.controls button { font: inherit; min-width: 2.75rem; min-height: 2.75rem; padding: .2rem .6rem; border: 1px solid var(--line);
  border-radius: 6px; background: var(--raised); color: var(--text); cursor: pointer }
.controls button:hover { border-color: var(--accent) }
:is(.controls button, .lanes, .controls input):focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
.controls .at { font-variant-numeric: tabular-nums; color: var(--muted) }
.step { margin: .6rem 0; background: var(--raised); padding: .6rem .8rem; border-radius: 6px }
.step .who { color: var(--accent); font-weight: 600 }
.step .what { font: .92rem/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; min-height: 1.5em }
.step .broke { color: var(--collides-text); font-weight: 600 }
.panel h3 { margin: .8rem 0 .2rem }
.contents { margin: 0; font: .85rem/1.5 ui-monospace, Menlo, Consolas, monospace }
.contents .group { font-weight: 600; margin-top: .35rem; color: var(--muted) }
.contents dd { margin: 0; display: flex; flex-wrap: wrap; gap: 0 .6rem; overflow-wrap: anywhere }
.contents .name { flex: 0 0 min(12.5rem, 45%); color: var(--muted) }
.contents .name:empty { display: none }
.contents :is(span, ins, del) { min-width: 0 }
.contents ins { text-decoration: none; background: var(--fits); color: var(--fits-text); padding: 0 .25rem; border-radius: 3px }
.contents del { color: var(--muted) }
.contents .read { background: var(--word); padding: 0 .25rem; border-radius: 3px }
.locks { margin: 0; padding-left: 1.1rem; font: .85rem/1.5 ui-monospace, Menlo, Consolas, monospace }
.lanes { overflow: auto; max-height: min(78vh, 60rem); border: 1px solid var(--line); border-radius: 6px }
.lanes table { width: 100%; table-layout: fixed; font: .8rem/1.45 ui-monospace, Menlo, Consolas, monospace; border-collapse: separate; border-spacing: 0 }
.lanes thead th { position: sticky; top: 0; z-index: 2; background: var(--ground); border-bottom: 2px solid var(--line);
  overflow-wrap: anywhere; font-family: system-ui, sans-serif }
.lanes .count { width: 3.6rem; text-align: right; overflow-wrap: normal }
.lanes tbody th { position: static; background: none; text-align: right; color: var(--faint); font-weight: 400; border: 0; padding: .1rem .45rem }
.lanes td { border: 0; padding: .1rem .5rem; overflow-wrap: anywhere }
.lanes td.open { box-shadow: inset 4px 0 0 var(--word-line) }
.lanes tr.note td.here { font-weight: 600; background: var(--word) }
.lanes tr[data-step] { cursor: pointer }
.lanes tr[data-step]:hover { background: var(--raised) }
.lanes tr.change td.here { color: var(--text) }
.lanes tr:not(.change) td.here { color: var(--muted) }
.lanes tr.lock td.here { color: var(--second) }
.lanes tr.broke td.here { background: var(--collides); color: var(--collides-text); font-weight: 700 }
.lanes tr.now { background: var(--word); outline: 2px solid var(--accent); outline-offset: -2px }
.timeline:not(.all) tr.aside:not(.now, .broke) { display: none }
@media (min-width: 1000px) {
  .stage { grid-template-columns: minmax(0, 1fr) minmax(21rem, 27rem) }
  .panel { order: 2; position: sticky; top: 1rem; max-height: calc(100vh - 2rem); overflow: auto }
}
@media (max-width: 999px) {
  .panel { position: sticky; top: 0; z-index: 5; background: var(--ground); padding-bottom: .4rem; border-bottom: 1px solid var(--line) }
  .panel .state { max-height: 22vh; overflow: auto }
  .lanes { max-height: none; overflow: visible }
  .lanes thead th { position: static }
}
@media (max-width: 700px) {
  .lanes table { font-size: .72rem }
  .lanes .count { width: 2.5rem; padding: .3rem .1rem }
  .lanes tbody th { padding: .1rem .25rem; font-size: .68rem }
  .lanes td { padding: .1rem .3rem }
  .controls { gap: .3rem .4rem }
  .controls button { min-height: 2.4rem; min-width: 2.5rem; padding: .1rem .4rem; font-size: .9rem }
  .controls label { font-size: .85rem }
  .step { margin: .3rem 0; padding: .35rem .6rem }
}
@media print { .panel { display: none } .lanes { max-height: none; overflow: visible } }`
