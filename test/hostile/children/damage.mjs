// Races of memory management under schemes that damage words of the descriptor, drawn from
// a seed. damage.mjs SEED SECONDS: a line before each race, so that a crash has a name.
import { drawing } from './draw.mjs'
import { layouts, race, schemes } from './pagebox.mjs'

const [, , seedText, secondsText] = process.argv
const { below, oneOf } = drawing(BigInt(seedText) * 0x9e3779b97f4a7c15n)

const mm = { name: 'mm', mixes: [{ mm: 1 }, { mm: 1 }, { chaos: 1 }], processes: 4 }
const devices = {
  name: 'devices',
  mixes: [{ touch: 1 }, { device: 1 }, { touch: 1, device: 1 }, { chaos: 1 }],
  processes: 3,
}
const pins = {
  name: 'pins-against-migration',
  mixes: [
    { pin: 4, unpin: 4, gup: 2, store: 2, load: 1 },
    { compact: 1, pageout: 2, migrate_to_dev: 3, migrate_to_sys: 1 },
  ],
  processes: 1,
  buffers: 2,
}
const removal = {
  name: 'removal',
  mixes: [
    { touch: 1, pin: 2, unpin: 2 },
    { migrate_to_dev: 4, dev_write: 2, exclusive: 1 },
    { release: 2, close_dev: 1, fork: 1, exit: 1 },
  ],
  processes: 2,
  buffers: 3,
}
const scenarios = [mm, devices, pins, pins, removal]

/** A count in any word, flags in any bit: what `schemes.define` takes and `room` says collides. */
function declared() {
  const countWord = 1 + below(5)
  const bit = () => ({ word: below(6), bit: below(64) })
  const kind = below(5)
  if (kind === 0) return { protocol: 'add', place: 'word', countWord, countBits: 32 }
  if (kind === 1)
    return { protocol: 'flag-and-word', countWord, countBits: 32, pinned: { word: 0, bit: 'lowest-free' } }
  if (kind === 2)
    return {
      protocol: 'flag-and-word',
      countWord,
      countBits: 32,
      pinned: bit(),
      ...(below(2) === 0 && { wasLru: bit() }),
    }
  if (kind === 3) {
    const countShift = 2 + below(8)
    const packedBits = oneOf([32, 64])
    return {
      protocol: 'packed-word',
      countWord,
      packedBits,
      countShift,
      countBits: packedBits - countShift,
      pinned: { word: countWord, bit: 1 },
    }
  }
  const flags = 1 + below(2)
  return {
    protocol: 'list-overlay',
    countWord: 3 - flags,
    countBits: 32,
    pinned: { word: flags, bit: 1 + below(63) },
    wasLru: { word: flags, bit: 1 + below(63) },
  }
}

const refused = new Set(['ERR_PAGEBOX_SCHEME_INVALID', 'ERR_PAGEBOX_NO_ROOM'])
const machines = [...layouts].filter(({ wordBytes }) => wordBytes === 8).map(({ name }) => name)
const builtin = [...schemes].map(({ name }) => name)
const began = performance.now()
for (let n = 0; performance.now() - began < Number(secondsText) * 1000; n++) {
  const layout = oneOf(machines)
  const scenario = oneOf(scenarios)
  let scheme = oneOf(builtin)
  let of = scheme
  try {
    if (below(5) !== 0) {
      const definition = declared()
      scheme = `damage-${n}`
      of = JSON.stringify(definition)
      schemes.define({ name: scheme, ...definition })
    }
    const seed = below(2 ** 31)
    console.log(JSON.stringify({ layout, scenario: scenario.name, seed, of }))
    const start = performance.now()
    const result = await race(scenario, { seconds: 0.15, seed, scheme, layout })
    const { livelocks } = result.audit
    const wrong = livelocks.filter(({ waitsFor, page, op }) => waitsFor === '' || (page === null && op === null))
    console.log(
      JSON.stringify({
        ms: Math.round(performance.now() - start),
        by: result.stoppedBy,
        livelocks: livelocks.length,
        wrong,
      }),
    )
  } catch (error) {
    if (!refused.has(error.code)) throw error
  }
}
console.log('ended')
