// Draws docs/images/schemes-growth.svg and prints the tables of docs/exploring.md, from what these wrote:
//   pagebox schemes --explore --layout linux-6.12 --order 0 --shape 2x1,2x2,2x3,3x1,3x2 --seconds 600 --json > FILE
//   node scripts/plot-schemes.mjs FILE
// How classes and work (scheduling points, which time is in proportion to, whatever the machine) grow with operations and
// threads: of programs that were begun, the mean of each.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import * as Plot from '@observablehq/plot'
import { JSDOM } from 'jsdom'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('plot-schemes.mjs FILE')
const { rows } = JSON.parse(readFileSync(file, 'utf8'))
const explored = rows.filter(({ programs }) => programs > 0)
const points = explored.flatMap(({ scheme, threads, ops, classes, steps, programs, largest }) =>
  [
    ['classes of a program, mean', classes / programs],
    ['classes of the largest', largest],
    ['scheduling points of a program, mean', steps / programs],
  ].map(([what, value]) => ({ scheme, shape: `${threads} × ${ops}`, line: `${scheme} ${threads}`, what, value })),
)
const order = [...new Set(points.map(({ shape }) => shape))].sort()
/** Named at their points of three threads: there they are apart. */
const named = {
  'flag-and-word': 'flag-and-word',
  'packed-64': 'packed-64',
  'refcount-bias': 'refcount-bias',
  'side-table': 'side-table',
}

const { document } = new JSDOM('').window
const svg = Plot.plot({
  document,
  width: 860,
  height: 330,
  marginLeft: 55,
  marginRight: 12,
  style: { background: 'white', color: '#1a1a1a' },
  fx: { label: null, domain: [...new Set(points.map(({ what }) => what))] },
  x: { domain: order, label: 'threads × operations of each' },
  y: { type: 'log', grid: true, label: null },
  color: { legend: false, scheme: 'tableau10' },
  marks: [
    Plot.line(points, { fx: 'what', x: 'shape', y: 'value', stroke: 'scheme', z: 'line', strokeOpacity: 0.7 }),
    Plot.dot(points, { fx: 'what', x: 'shape', y: 'value', fill: 'scheme', r: 2.5 }),
    Plot.text(
      points.filter(
        ({ what, shape, scheme }) => what.startsWith('classes of a') && shape === '3 × 1' && scheme in named,
      ),
      {
        fx: 'what',
        x: 'shape',
        y: 'value',
        text: ({ scheme }) => named[scheme],
        dx: -7,
        textAnchor: 'end',
        fontSize: 9,
      },
    ),
  ],
})
svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
mkdirSync('docs/images', { recursive: true })
writeFileSync('docs/images/schemes-growth.svg', `${svg.outerHTML}\n`)

console.log('| scheme | threads × operations | programs | classes | largest | scheduling points | verdict |')
console.log('|---|---|---:|---:|---:|---:|---|')
for (const row of explored) {
  const programs = row.complete === row.allPrograms ? row.programs : `${row.complete} of ${row.allPrograms}`
  console.log(
    `| \`${row.scheme}\` | ${row.threads} × ${row.ops} | ${programs} | ${row.classes} | ${row.largest} | ${row.steps} | ${row.verdict} |`,
  )
}
