import type { Layout, PageType } from '../page/layout.ts'
import type { ByteOrder } from './blob.ts'
import { eraOf, kconfigOf, pincountOf, toField } from './declaration.ts'
import type { KernelDescriptor } from './description.ts'

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
    anonExclusiveFlag: kernel.flags.find(({ bit }) => bit === kernel.anonExclusiveBit)?.name ?? 'owner_2',
    compoundHead: kernel.compoundHead,
    byteOrder: kernel.byteOrder,
    fields,
    pincount: pincountOf(kernel, order),
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
