import { describe, expect, test } from 'vitest'
import { Box, type AuditRow } from 'pagebox'

/** Pins every page table of a process, which then exits: RCU needs their words 1 and 2. */
function pinnedWhileFreed(scheme: string, layout: string, pins: number) {
  const box = Box.create({ pages: 512, scheme, layout })
  try {
    const keep = box.createMm()
    const mm = box.createMm()
    mm.mmap({ pages: 4 }).fill(1)
    const own = tablesOf(box)
    for (const pfn of own) box.pins.pin(pfn, pins)
    mm.close()
    // Who waits for RCU keeps its pins: so they can be taken while it does, and given back.
    for (const pfn of own) {
      attempt(() => box.pins.pin(pfn))
      attempt(() => box.pins.unpin(pfn))
    }
    for (const pfn of own) attempt(() => box.pins.unpin(pfn, pins))
    for (let i = 0; i < 5; i++) {
      const mapping = keep.mmap({ pages: 4 })
      mapping.fill(1)
      mapping.unmap()
      keep.fork().close()
    }
    return box.audit()
  } finally {
    box.close()
  }
}

const tablesOf = (box: Box): number[] => [...Array(64).keys()].filter((pfn) => box.page(pfn).type === 'page-table')

function attempt(call: () => void): void {
  try {
    call()
  } catch {
    // A count that RCU has written over may refuse.
  }
}

const rcuRows = (rows: readonly AuditRow[]): AuditRow[] =>
  rows.filter(({ invariant, field }) => invariant === 'words-kept' && field.includes('rcu_head'))

// The RFC of November 2018 counted in page->lru, where RCU has its head once a page table
// is freed: neither finds what it wrote.
describe('a count in the words of page->lru, on a page table that is freed', () => {
  const overlays = ['lru-overlay', 'packed-64', 'packed-32', 'flag-and-word']

  test.each(overlays)('%s: the audit names page, word, what was expected, and what was found', (scheme) => {
    const audit = pinnedWhileFreed(scheme, 'linux-6.12', 2)
    const rows = rcuRows(audit.rows)
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) {
      expect(row.pfn).toBeLessThan(512)
      expect(row.field).toMatch(/^word [12] \(rcu_head\.(next|func)\)$/)
      expect(row.expected).not.toBe(row.found)
      expect(row.explanation).toContain('rcu_head in words 1 and 2')
    }
  })

  test.each(['refcount', 'refcount-bias', 'folio-pincount', 'side-table', 'own-counter', 'sharded'])(
    '%s counts elsewhere: RCU finds its head again',
    (scheme) => {
      const audit = pinnedWhileFreed(scheme, 'linux-6.12', 2)
      expect(rcuRows(audit.rows)).toEqual([])
      audit.assertClean()
    },
  )

  test.each(['linux-4.20', 'linux-4.20-zd', 'linux-4.20-count', 'linux-4.20-counter'])('%s', (layout) => {
    expect(rcuRows(pinnedWhileFreed('lru-overlay', layout, 1).rows).length).toBeGreaterThan(0)
  })

  test('no address of this process is in a descriptor', () => {
    const box = Box.create({ pages: 256, ledger: false })
    try {
      const mm = box.createMm()
      mm.mmap({ pages: 64 }).fill(1)
      mm.fork().close()
      const isSandbox = (word: bigint): boolean => word < 1n << 40n || word >= 0xdead000000000000n
      for (let pfn = 0; pfn < 256; pfn++)
        for (const word of [1, 2, 3, 4, 5]) {
          const found = box.page(pfn).words[word]
          expect(isSandbox(found!), `page ${pfn}, word ${word}: ${found?.toString(16)}`).toBe(true)
        }
    } finally {
      box.close()
    }
  })
})
