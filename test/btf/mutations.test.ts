import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { importBtf, PageboxError, toLayoutDeclaration } from 'pagebox'
import { asLayout } from '../../lib/btf/asLayout.ts'
import { membersOf } from '../../lib/btf/members.ts'
import { printType } from '../../lib/btf/print.ts'
import { Btf } from '../../lib/btf/types.ts'
import { kernel } from './kernel.ts'
import { realKernel, realKernels } from './shared.ts'
import { elf } from './writer.ts'

/** xorshift: the same numbers from the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** One to eight changes: bytes, words, a cut, a piece that stands somewhere else too. */
function mutated(bytes: Buffer, seed: number): Buffer {
  const pick = numbers(seed * 2654435761)
  let copy = Buffer.from(bytes)
  for (let change = 1 + pick(8); change > 0; change--) {
    const at = pick(copy.length)
    switch (pick(6)) {
      case 0:
        copy[at] = pick(256)
        break
      case 1:
        copy[at] = (copy[at] as number) ^ (1 << pick(8))
        break
      case 2:
        copy.fill([0, 0xff, 0x7f, 0x80][pick(4)] as number, at, Math.min(at + 4, copy.length))
        break
      case 3: {
        // Numbers of types and names: the same, only others.
        const word = at - (at % 4)
        if (word + 4 <= copy.length) copy.writeUInt32LE(pick(300), word)
        break
      }
      case 4:
        copy.copyWithin(at, pick(copy.length), pick(copy.length))
        break
      default:
        if (pick(4) === 0 && copy.length > 64) copy = Buffer.from(copy.subarray(0, 32 + pick(copy.length - 32)))
    }
  }
  return copy
}

/** Everything that is made of a file; errors may be of the one kind alone. */
async function readAll(bytes: Buffer): Promise<boolean> {
  try {
    const found = await importBtf(bytes)
    toLayoutDeclaration(found)
    asLayout(found)
    const bits = found.strideBytes * 8
    for (const field of found.fields) {
      expect(field.bits).toBeGreaterThan(0)
      expect(field.word * found.wordBytes * 8 + field.shift + field.bits).toBeLessThanOrEqual(bits)
    }
    const btf = new Btf(bytes)
    for (let id = 1; id < btf.blob.count; id++) {
      const type = btf.type(id)
      if (type.kind === 'struct' || type.kind === 'union') {
        membersOf(btf, id)
        printType(btf, id)
      }
    }
    return true
  } catch (error) {
    if (!(error instanceof PageboxError && error.code === 'ERR_PAGEBOX_BTF')) throw error
    expect(error.message).toMatch(/^[\x20-\x7e…]*$/)
    expect(error.message.length).toBeLessThan(1000)
    return false
  }
}

const rounds = 600
test.each([
  ['a small kernel', kernel({ balancing: true, generations: true }).toBuffer()],
  ['a big-endian one', kernel({ order: 'big' }).toBuffer()],
  ['ELF', elf([{ name: '.BTF', bytes: kernel({ wordBytes: 4 }).toBuffer() }], { is64: false })],
  ...realKernels.slice(-1).map((name): [string, Buffer] => [name, readFileSync(realKernel(name))]),
])('%s with changes is read or refused', async (name, bytes) => {
  let read = 0
  for (let seed = 1; seed <= rounds; seed++) {
    try {
      if (await readAll(mutated(bytes, seed))) read++
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
  // Changes that all are refused, or none, would test little. (ELF is not BTF: its types are read once.)
  if (name !== 'ELF') expect(read).toBeGreaterThan(rounds / 50)
  expect(read).toBeLessThan(rounds)
})
