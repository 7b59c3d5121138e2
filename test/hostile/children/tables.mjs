// References dropped that others hold: put and unpin, without the ledger, of the pages of an
// address space: each scheme, each layout. tables.mjs CALL tables|all
import { Box, layouts, schemes } from './pagebox.mjs'

const [, , call, what] = process.argv
const machines = layouts.list().filter(({ wordBytes }) => wordBytes === 8)

function attempt(body) {
  try {
    body()
  } catch (error) {
    if (!/^ERR_PAGEBOX_/.test(error.code ?? '')) throw error
  }
}

function drop(scheme, layout) {
  const box = Box.create({ pages: 512, ledger: false, scheme, layout })
  const mm = box.createMm()
  const m = mm.mmap({ pages: 8 })
  m.fill(1)
  const file = box.createFile({ kind: 'disk', pages: 8 })
  const mapped = mm.mmap({ pages: 8, file })
  mapped.fill(2)
  const huge = mm.mmap({ pages: 1024 })
  const isTable = (pfn) => box.page(pfn).type === 'page-table'
  let taken = 0
  for (let pfn = 0; pfn < 512; pfn++) {
    if (what === 'tables' && !isTable(pfn)) continue
    attempt(() => {
      box.pins[call](pfn)
      taken++
    })
  }
  const invariants = [...new Set(box.audit().rows.map(({ invariant }) => invariant))]
  // What was freed is used again, with contents that would be wild entries of a page table.
  const next = mm.mmap({ pages: 16, kind: 'file-shared' })
  attempt(() => next.fill(0xfffffffffffff000n))
  attempt(() => huge.fill(0xfffffffffffff067n))
  attempt(() => m.words())
  attempt(() => mm.fork().close())
  attempt(() => m.advise('pageout'))
  attempt(() => box.reclaim(100))
  attempt(() => box.compact())
  attempt(() => file.writeback())
  for (let pfn = 0; pfn < 512; pfn++) attempt(() => box.pins[call](pfn))
  attempt(() => m.pin({ write: true }))
  attempt(() => mm.close())
  const { clean } = box.audit()
  console.log(JSON.stringify({ scheme, layout, taken, clean, invariants }))
  attempt(() => {
    const other = box.createMm()
    other.mmap({ pages: 8 }).fill(3)
    other.close()
  })
  box.close()
}

for (const [i, scheme] of schemes.list().entries()) {
  // Each scheme on two of the layouts.
  for (const at of [i, i + 2]) {
    const layout = machines[at % machines.length]
    console.log(`${scheme.name}, ${layout.name}`)
    drop(scheme.name, layout.name)
  }
}
console.log('ended')
