import type * as Pagebox from '../../lib/index.ts'

/** A layout as an edit of a built-in one, a scheme, and what is done with the two. */
export interface Declared {
  readonly base: string
  readonly edits: readonly (readonly [string, string | number, (string | number | boolean)?])[]
  readonly scheme: string | Pagebox.SchemeDefinition
  readonly scenario: Pagebox.Scenario
  readonly seed: number
}

/**
 * Declares a layout and a scheme and runs them on every engine. What is refused is refused by a PageboxError; what is
 * accepted agrees with memory, ends, and is clean where the scheme takes nothing that is in use, or says what is wrong.
 * Its source stands alone: a finding is printed with it.
 */
export async function declared(P: typeof Pagebox, spec: Declared): Promise<string> {
  const disagree = (text: string): never => {
    throw Object.assign(new Error(text), { name: 'Disagreement' })
  }
  const { base, edits, seed } = spec
  const name = (what: string): string => {
    for (let i = 0; ; i++) if (!P.layouts.has(`${what}${i}`) && !P.schemes.has(`${what}${i}`)) return `${what}${i}`
  }
  let layout = P.layouts.get(base)
  if (edits.length > 0) {
    const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...copy } = structuredClone(
      layout,
    ) as unknown as Record<string, unknown>
    type Named = { name: string; [key: string]: unknown }
    for (const [what, which, value] of edits) {
      const parts = copy[what === 'flag' || what === 'drop-flag' ? 'flags' : 'fields'] as Named[]
      const part = parts[Number(which) % parts.length] as Named
      if (what.startsWith('drop')) parts.splice(parts.indexOf(part), 1)
      else if (what === 'flag') part.bit = value
      else if (what === 'move') part.offsetBytes = value
      else if (what === 'narrow') part.bits = value
      else if (what === 'era') (copy.era as Record<string, unknown>)[which] = value
      else copy[what] = value
    }
    layout = P.layouts.define({ ...copy, name: name('edited') } as unknown as Pagebox.LayoutDefinition)
  }
  const scheme =
    typeof spec.scheme === 'string'
      ? P.schemes.get(spec.scheme)
      : P.schemes.define({ ...spec.scheme, name: name('own') })
  const bits = (places: readonly Pagebox.BitRange[]): string =>
    places
      .flatMap(({ tail, offsetBytes, shift, bits: width }) =>
        Array.from({ length: width }, (_, i) => `${tail}:${offsetBytes * 8 + shift + i}`),
      )
      .sort()
      .join(' ')
  // A layout may have a device's pgmap where the page's user writes, as a proposal of 2018 does: its own damage.
  const wordsOf = (...names: string[]): number[] =>
    layout.fields.filter(({ name: field }) => names.includes(field)).map(({ offsetBytes }) => offsetBytes)
  const written = wordsOf('mapping', 'index', 'private')
  let damages = wordsOf('pgmap').some((offset) => written.includes(offset))
  for (const pageType of P.pageTypes)
    for (const order of [0, 1, 9]) {
      const at = { scheme: scheme.name, layout: layout.name, pageType, order }
      const table = P.room(at)
      const seen = P.probe(at)
      damages ||= table.cell === 'collides'
      if (table.cell !== seen.cell || bits(table.collisions) !== bits(seen.damaged)) {
        const [room, probe] = [table.collisions, seen.damaged].map((places) => places.map(({ field }) => field).join())
        disagree(`room says ${table.cell} (${room}), the probe ${seen.cell} (${probe}) of ${pageType}, order ${order}`)
      }
    }
  const on = { scheme: scheme.name, layout: layout.name, seed }
  const said: string[] = []
  const outcome = (engine: string, clean: boolean, text: string): void => {
    if (!clean && text === '') disagree(`${engine} is not clean and does not say why`)
    if (!clean && !damages) disagree(`${engine}, of a scheme that damages nothing: ${text}`)
    said.push(`${engine} ${clean ? 'clean' : text}`)
  }
  const rowOf = (rows: readonly object[]): string =>
    rows.length > 0 ? JSON.stringify(rows[0], (_, value) => (typeof value === 'bigint' ? String(value) : value)) : ''
  const engines: readonly [string, () => Promise<void>][] = [
    [
      'run',
      async () => {
        const { audit, leaks } = P.run(spec.scenario, on)
        outcome('run', audit.length === 0 && leaks === '', rowOf(audit) || leaks)
      },
    ],
    [
      'race',
      async () => {
        const { audit } = await P.race(spec.scenario, { ...on, rounds: 2, signal: AbortSignal.timeout(400) })
        outcome('race', audit.clean, rowOf(audit.rows) || audit.leaks || rowOf(audit.livelocks))
      },
    ],
    [
      'explore',
      async () => {
        const signal = AbortSignal.timeout(400)
        const { first } = await P.explore(spec.scenario, { ...on, samples: 4, signal })
        outcome('explore', first.length === 0, first.map(({ outcome: how, text }) => `${how}: ${text}`).join())
      },
    ],
  ]
  for (const [engine, call] of engines)
    try {
      await call()
    } catch (error) {
      // A random scenario has no order to run in; a layout that lacks what address spaces need is refused by name.
      if (!(error instanceof P.PageboxError) || error.code === 'ERR_PAGEBOX_INTERNAL') throw error
      said.push(`${engine} ${error.code}`)
    }
  return said.join(', ')
}
