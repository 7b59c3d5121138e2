import { expect, test } from 'vitest'
import { toCsv } from '../../lib/compare/csv.ts'
import { documentFixture } from '../report/fixture.ts'

test('one line each for all rooms, probes and costs', () => {
  const document = documentFixture()
  const rows = document.schemes.reduce((sum, each) => sum + each.room.length + each.probe.length + each.cost.length, 0)
  expect(toCsv(document).trimEnd().split('\r\n').length).toBe(1 + rows + document.limit.length)
})

test('a name can neither break a line nor become a formula', () => {
  const document = documentFixture()
  const [first] = document.schemes
  if (first === undefined) throw new Error('fixture has no scheme')
  const named = (name: string): string => toCsv({ ...document, schemes: [{ ...first, name }], limit: [] })
  expect(named('a,"b"\n')).toContain('room,"a,""b""\n",')
  expect(named('=1+1')).toContain("room,'=1+1,")
})
