import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An eight-bit count that saturates, and three states, in bits that the Kconfig leaves free. */
export const mine = {
  name: 'mine',
  summary: 'eight bits of page->flags that saturate',
  protocol: 'packed-word',
  countWord: 0,
  countShift: 'lowest-free',
  countBits: 8,
  atLimit: 'saturate',
  states: [
    { name: 'dma', bit: 'lowest-free', set: 'first-pin', clear: 'last-unpin' },
    { name: 'full', bit: 'lowest-free', set: 'full' },
    { name: 'ever-pinned', bit: 'lowest-free', set: 'first-pin' },
  ],
} as const

/** A folder for files of definitions; `write` gives back the path. */
export function ownFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'pagebox-own-'))
  return {
    folder,
    write(name: string, content: unknown): string {
      const path = join(folder, name)
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
      return path
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
