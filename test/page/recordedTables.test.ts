import { expect, test } from 'vitest'
import { native } from '../../lib/native/load.ts'
import { recordedTables } from '../../lib/native/recordedTables.ts'

test('what systems without the addon use is what the addon declares', () => {
  // Differs? npm run build && node scripts/record-tables.mjs
  expect(recordedTables()).toEqual(native().tables())
})
