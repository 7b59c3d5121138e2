// References dropped that others hold: put and unpin, without the ledger, of the pages of an
// address space. tables.mjs CALL SCHEME LAYOUT tables|all
import { Box } from './pagebox.mjs'

const [, , call, scheme, layout, what] = process.argv
const box = Box.create({ pages: 512, ledger: false, scheme, layout })
const mm = box.createMm()
const m = mm.mmap({ pages: 8 })
m.fill(1)
const file = box.createFile({ kind: 'disk', pages: 8 })
const mapped = mm.mmap({ pages: 8, file })
mapped.fill(2)
const huge = mm.mmap({ pages: 1024 })
const attempt = (of, body) => {
  try {
    body()
  } catch (error) {
    if (!/^ERR_PAGEBOX_/.test(error.code ?? '')) throw error
    console.log(`${of}: ${error.code}`)
  }
}
const isTable = (pfn) => box.page(pfn).type === 'page-table'
let taken = 0
for (let pfn = 0; pfn < 512; pfn++) {
  if (what === 'tables' && !isTable(pfn)) continue
  attempt(call, () => {
    box.pins[call](pfn)
    taken++
  })
}
console.log(`${call} took ${taken}`)
// What was freed is used again, with contents that would be wild entries of a page table.
const next = mm.mmap({ pages: 16, kind: 'file-shared' })
attempt('fill', () => next.fill(0xfffffffffffff000n))
attempt('huge', () => huge.fill(0xfffffffffffff067n))
attempt('words', () => m.words())
attempt('fork', () => mm.fork().close())
attempt('pageout', () => m.advise('pageout'))
attempt('reclaim', () => box.reclaim(100))
attempt('compact', () => box.compact())
attempt('writeback', () => file.writeback())
for (let pfn = 0; pfn < 512; pfn++) attempt(`${call} again`, () => box.pins[call](pfn))
attempt('pin', () => m.pin({ write: true }))
attempt('close', () => mm.close())
const audit = box.audit()
console.log(JSON.stringify({ clean: audit.clean, invariants: [...new Set(audit.rows.map(({ invariant }) => invariant))] }))
attempt('after', () => {
  const other = box.createMm()
  other.mmap({ pages: 8 }).fill(3)
  other.close()
})
box.close()
console.log('ended')
