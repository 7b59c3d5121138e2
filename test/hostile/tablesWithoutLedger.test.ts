import { describe, expect, test } from 'vitest'
import { layouts, schemes } from 'pagebox'
import { runChild } from './child.ts'

const machines = layouts.list().filter(({ builtin, wordBytes }) => builtin && wordBytes === 8)

// Without the ledger a caller may drop what others hold: the descriptors are damaged, and say so.
describe.each(['put', 'unpin'])('%s of pages that an address space holds', (call) => {
  for (const what of ['tables', 'all'])
    test.each(schemes.names)(`%s, ${what}`, async (scheme) => {
      // Each scheme on one of the layouts, another one for each kind.
      const at = schemes.names.indexOf(scheme) + (what === 'all' ? 1 : 0) + (call === 'put' ? 2 : 0)
      const layout = machines[at % machines.length]!.name
      const { code, signal, output } = await runChild('tables.mjs', [call, scheme, layout, what])
      const lines = output.trimEnd().split('\n')
      expect({ code, signal, last: lines.at(-1), output }).toMatchObject({ code: 0, signal: null, last: 'ended' })
      const took = Number(/took (\d+)/.exec(output)?.[1])
      const audit = JSON.parse(lines.find((line) => line.startsWith('{'))!) as { clean: boolean; invariants: string[] }
      if (call === 'put') expect(took).toBeGreaterThan(0)
      if (took > 0) expect(audit.clean, output).toBe(false)
      if (call === 'put' && what === 'tables') expect(audit.invariants).toContain('words-kept')
    })
})
