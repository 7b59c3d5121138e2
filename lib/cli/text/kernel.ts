import type { ByteOrder } from '../../btf/blob.ts'
import type { Doubt, KernelDescriptor } from '../../btf/description.ts'
import { eraOf, kconfigOf, toField } from '../../btf/declaration.ts'
import type { Layout, PageType } from '../../page/layout.ts'
import type { Io } from '../io.ts'
import { wrap } from './table.ts'

/**
 * A kernel's descriptor in the shape that layouts are printed in, its bytes as its memory has them; in order `'little'`,
 * the bits of its words from the lowest up, whatever its memory does with them.
 */
export function asLayout(kernel: KernelDescriptor, order: ByteOrder = kernel.byteOrder): Layout {
  const fields = kernel.fields.map((field) => {
    const { shift = 0, meaning = '', object = '', ...rest } = toField(field, kernel, order)
    return { ...rest, shift, meaning, object, contested: false }
  })
  const taken = kernel.flags.length
  return {
    name: kernel.name,
    summary: `struct page of ${kernel.release.text}`,
    builtin: false,
    wordBytes: kernel.wordBytes,
    strideBytes: kernel.strideBytes,
    kconfig: kconfigOf(kernel),
    era: eraOf(kernel),
    types: kernel.types.filter(({ exists }) => exists).map(({ type }) => type as PageType),
    compoundTypes: kernel.compoundTypes as PageType[],
    flags: kernel.flags,
    fields,
    pincount: {
      tail: kernel.pincount.tail,
      offsetBytes: kernel.pincount.byte,
      minOrder: kernel.pincount.minOrder,
    },
    mapcountOffsetBytes: kernel.mapcountByte,
    refcountOffsetBytes: kernel.refcountByte,
    counterOffsetBytes: 0,
    orderOffsetBytes: kernel.orderByte ?? 0,
    highFields: kernel.highFields,
    freeFlagBits: kernel.freeFlagBits,
    lowestFreeFlagBit: kernel.freeFlagBits > 0 ? taken : -1,
    ownCounterStrideBytes: 0,
  }
}

const how: Record<Doubt['kind'], string> = { defaulted: 'assumed', asked: 'told', contradiction: 'contradicts' }

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

/** What BTF says beside the words, and everything it does not say. */
export function kernelText(kernel: KernelDescriptor, io: Io): string {
  const list = (entries: readonly (readonly [string, string | number])[]): string =>
    entries.map(([name, value]) => `${value} ${name}`).join(', ')
  const lines = [
    `zones: ${list(kernel.zones.map(({ name, number }) => [name, number]))}`,
    `page types: ${Object.entries(kernel.pageTypeValues)
      .map(([name, value]) => `${name}=${hex(value)}`)
      .join(', ')}`,
    ...(Object.keys(kernel.memoryTypes).length === 0
      ? []
      : [`free device pages count: ${list(Object.entries(kernel.deviceBase).map(([name, count]) => [name, count]))}`]),
    ...(kernel.flagAliases.length === 0
      ? []
      : [`further names of flags: ${list(kernel.flagAliases.map(({ name, bit }) => [name, bit]))}`]),
    `word 1 of a tail: ${kernel.compoundHead === 'mask' ? 'a mask that leads to the head' : "the head's address"}`,
  ]
  const absent = kernel.types.filter(({ exists }) => !exists)
  if (absent.length > 0) lines.push(`not in this kernel: ${absent.map(({ type }) => type).join(', ')}`)
  const doubts = kernel.doubts.map((doubt) => {
    const mark = doubt.kind === 'contradiction' ? io.colours.red(how[doubt.kind]) : how[doubt.kind]
    const text = wrap(doubt.text, Math.max(40, io.columns - 14)).split('\n')
    return `  ${mark}${' '.repeat(12 - how[doubt.kind].length)}${text.join(`\n${' '.repeat(14)}`)}`
  })
  return `${[
    ...lines.map((line) => wrap(line, io.columns)),
    '',
    io.colours.bold('What the file does not say'),
    ...(doubts.length === 0 ? ['  nothing: every fact is in it'] : doubts),
  ].join('\n')}\n`
}
