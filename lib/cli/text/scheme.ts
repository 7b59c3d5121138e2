import type { Scheme, StateBit } from '../../pins/scheme.ts'
import type { Io } from '../io.ts'
import { toJson } from '../json.ts'
import { foreign } from './foreign.ts'
import { wrap } from './table.ts'

const limits = {
  refuse: 'refuses the pin that it has no room for',
  saturate: 'stays full from then on, until the page is freed; pins() is a bound then',
  spill: 'counts the rest in a table outside',
  cross: 'keeps the pin that crosses the sign of its count',
} as const

const stateText = ({ name, word, field, bit, set, clear }: StateBit): string =>
  `${name}: ${bit === 'lowest-free' ? 'a free bit' : `bit ${bit}`} of ${field === '' ? `word ${word}` : `the field '${field}'`}, set by ${set.join(', ')}, cleared by ${clear.length === 0 ? 'nothing but freeing' : clear.join(', ')}`

/** Everything that a scheme says of itself, and the definition that makes the same one. */
export function schemeText(scheme: Scheme, io: Io): string {
  const { bold } = io.colours
  const width = Math.max(40, Math.min(io.columns, 100))
  const { name, summary, source, where, countBits, answer, falsePositives, maxPins, atLimit, locks } = scheme
  const rows: [string, string][] = [
    ['from', source],
    ['count', `${where} (${countBits} bits)`],
    ['largest', maxPins === null ? 'nothing bounds it' : maxPins.toLocaleString('en')],
    ['at its limit', limits[atLimit]],
    ['answer', answer],
    ['false yes', falsePositives === '' ? 'never' : falsePositives],
    ['locks', locks === '' ? 'none' : locks],
    ['references', `${scheme.refsPerPin} a pin`],
    ...scheme.states.map((state, i): [string, string] => [i === 0 ? 'states' : '', stateText(state)]),
    ['effects', scheme.visibleEffects.join(', ') || 'none'],
    ['quirks', scheme.quirks.join(', ') || 'none'],
  ]
  const label = 14
  const lines = rows
    .filter(([, text]) => text !== '')
    .map(([head, text]) => {
      const body = wrap(foreign(text), width - label - 2).replaceAll('\n', `\n${' '.repeat(label + 2)}`)
      return `  ${head.padEnd(label)}${body}`
    })
  const title = `${bold(name)}${scheme.builtin ? '' : ' (your own)'}${summary === '' ? '' : `: ${foreign(summary)}`}`
  return [wrap(title, width), ...lines, '', '  as a definition:', indent(toJson(scheme.definition, 2))].join('\n')
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')
