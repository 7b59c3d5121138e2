import { Box, type Mm } from 'pagebox'
import { afterEach, beforeEach } from 'vitest'

/** A box and a process for each test of the file that imports them; the audit is clean afterwards. */
export let box: Box
export let mm: Mm<Box>

beforeEach(() => {
  box = Box.create({ pages: 4096 })
  mm = box.createMm()
})
afterEach(() => {
  try {
    if (!box.closed) box.audit().assertClean()
  } finally {
    box.close()
  }
})
