import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { importBtf, type Layout, layouts } from 'pagebox'
import { toLayoutDeclaration } from '../../lib/btf/declaration.ts'
import { realKernel, whyNone } from './shared.ts'

interface Twin {
  layout: string
  kernel: string
  /** Widths of the high fields are those of the kernel's configuration. */
  config: boolean
}
const twins: Twin[] = [
  { layout: 'linux-7.2', kernel: '7.2.13-amd64', config: true },
  { layout: 'linux-7.2-32', kernel: '7.2.13-armhf-armmplpae-headers', config: true },
  // Named after a configuration of 64 CPUs and 64 nodes, with device-private memory.
  { layout: 'linux-6.12', kernel: '6.12.117-amd64', config: false },
  { layout: 'linux-6.12', kernel: '6.12.117-amd64-cloud', config: false },
]

/** One line a field and page type, of types that both have. */
function lines(fields: Layout['fields'], types: readonly string[]): string[] {
  return fields
    .flatMap((field) =>
      field.types
        .filter((type) => types.includes(type))
        .map((type) => {
          const points = field.kind === 'pointer' ? ` to ${field.object ?? 'driver-data'}` : ''
          const at = `${field.offsetBytes}.${field.shift ?? 0}+${field.bits}`
          return `${type}: ${field.name} ${field.kind}${points} at ${at}`
        }),
    )
    .sort()
}

const there = twins.filter(({ kernel }) => existsSync(realKernel(kernel)))
if (there.length === 0) test.skip(whyNone, () => {})

describe.each(there)('$layout is $kernel', (twin) => {
  const layout = layouts.get(twin.layout)
  const read = async () => toLayoutDeclaration(await importBtf(realKernel(twin.kernel))).definition

  test('field by field', async () => {
    const kernel = await read()
    const common = layout.types.filter((type) => kernel.types?.includes(type))
    expect(common.length).toBeGreaterThan(7)
    expect(lines(layout.fields, common)).toEqual(lines(kernel.fields as Layout['fields'], common))
  })

  test('flags, places and stride', async () => {
    const kernel = await read()
    const byBit = (flags: Layout['flags']) => [...flags].sort((a, b) => a.bit - b.bit)
    expect(byBit(layout.flags)).toEqual(byBit(kernel.flags))
    const { strideBytes, wordBytes, pincount, mapcountOffsetBytes, refcountOffsetBytes, orderOffsetBytes } = kernel
    expect(layout).toMatchObject({ strideBytes, wordBytes, pincount, mapcountOffsetBytes, refcountOffsetBytes })
    expect(layout.orderOffsetBytes).toBe(orderOffsetBytes ?? 0)
    const { anonExclusiveFlag, compoundHead, byteOrder } = kernel
    expect(layout).toMatchObject({ anonExclusiveFlag, compoundHead, byteOrder })
    const { buddyType, tableType, slabType, hugetlbType } = kernel.era ?? {}
    expect(layout.era).toMatchObject({ buddyType, tableType, slabType, hugetlbType })
  })

  test.runIf(twin.config)('the widths at the top of the flags', async () => {
    const { name: _, ...widths } = (await read()).kconfig ?? {}
    expect(layout.kconfig).toMatchObject(widths)
    expect(layout.freeFlagBits).toBe((await importBtf(realKernel(twin.kernel))).freeFlagBits)
  })
})
