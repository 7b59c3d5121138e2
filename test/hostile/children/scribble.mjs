// Descriptors overwritten with anything, through the direct view, while memory management
// runs on them. scribble.mjs SEED SECONDS LAYOUT: one line for each round.
import { drawing } from './draw.mjs'
import { Box } from './pagebox.mjs'

const [, , seedText, secondsText, layout] = process.argv
const { below, oneOf } = drawing(BigInt(seedText) * 0xd1342543de82ef95n)
const pages = 2048

function attempt(body) {
  try {
    return body()
  } catch (error) {
    if (!/^ERR_PAGEBOX_/.test(error.code ?? '') || error.code === 'ERR_PAGEBOX_INTERNAL') throw error
    return undefined
  }
}

/** Values as a kernel has them: of another page, of another word, a small change, anything. */
function scribble(words, stride, first) {
  const perPage = stride / 4
  const page = below(3) === 0 ? below(pages) : first + below(24)
  // Not the flags: who sets PG_locked for good is waited for.
  const word = 2 + below(perPage - 2)
  const at = (page % pages) * perPage + word
  const from = below(pages) * perPage + word
  const value = [
    words[at] + oneOf([-1024, -1, 1, 8, 1024]),
    words[from],
    below(2 ** 31),
    0,
    -1,
    words[at] ^ (1 << below(32)),
  ]
  words[at] = oneOf(value)
  if (below(2) === 0) words[at ^ 1] = words[(below(pages) * perPage + word) ^ 1]
  // PG_head on a page that is none.
  if (below(8) === 0) words[page * perPage] ^= 1 << (layout.startsWith('linux-4') ? 16 : 6)
}

const ends = performance.now() + Number(secondsText) * 1000
let rounds = 0
let dirty = 0
let slowest = ['', 0]
for (; performance.now() < ends; rounds++) {
  console.log(`round ${rounds}`)
  const box = Box.create({ pages, ledger: false, scheme: 'refcount', layout, devicePages: 256 })
  const direct = box.pins.direct()
  const words = direct.windows[0].words
  const stride = direct.windows[0].stride * 4
  const mms = [box.createMm(), box.createMm()]
  const mappings = []
  const file = box.createFile({ kind: 'disk', pages: 16 })
  const gpu = attempt(() => box.addDevice({ type: 'private', pages: 128 }))
  const held = []
  const doings = [
    () => mappings.push(oneOf(mms).mmap({ pages: 1 + below(40) })),
    () => mappings.push(oneOf(mms).mmap({ pages: 8, file })),
    () => {
      const huge = oneOf(mms).mmap({ pages: 512 })
      huge.advise('hugepage')
      mappings.push(huge)
    },
    () => oneOf(mappings)?.fill(0xfffffffffffff067n),
    () => oneOf(mappings)?.words(),
    () => oneOf(mappings)?.advise(oneOf(['pageout', 'cold', 'dontneed', 'free', 'willneed'])),
    () => mms.push(oneOf(mms).fork()),
    () => mappings.length > 0 && held.push(oneOf(mappings).pin({ write: below(2) === 0 })),
    () => held.pop()?.unpin(),
    () => box.reclaim(64),
    () => box.compact(),
    () => file.writeback(),
    () => mappings.length > 0 && gpu?.migrateToDevice(oneOf(mappings)),
    () => oneOf(mappings)?.unmap(),
    () => oneOf(mappings)?.lock(),
    () => oneOf(mappings)?.protect(oneOf(['r', 'rw'])),
    () => oneOf(mappings)?.remap(),
    () => mms.length > 2 && mms.splice(below(mms.length), 1)[0].close(),
    () => box.pins.put(below(pages)),
    () => box.audit(),
  ]
  for (let i = 0; i < 60; i++) {
    if (i > 10) scribble(words, stride, below(64))
    const does = below(doings.length)
    console.log(`  ${doings[does]}`.replaceAll('\n', ' ').slice(0, 70))
    const began = performance.now()
    attempt(doings[does])
    const took = Math.round(performance.now() - began)
    if (took > slowest[1]) slowest = [`${doings[does]}`, took]
    // Whatever was overwritten, a call ends; many that wait in vain may take longer than this.
    if (began > ends) break
  }
  if (!attempt(() => box.audit())?.clean) dirty++
  for (const each of held) attempt(() => each.unpin())
  for (const mm of mms) attempt(() => mm.close())
  attempt(() => box.audit())
  attempt(() => box.close())
}
console.log(JSON.stringify({ rounds, dirty, slowest }))
