import { type Layout, type LayoutDefinition, layouts } from 'pagebox'

/** A built-in layout, declared once more under another name. */
export function ownLayout(name: string, of = 'linux-6.12'): Layout {
  const { builtin, highFields, freeFlagBits, lowestFreeFlagBit, ownCounterStrideBytes, ...declared } = {
    ...(JSON.parse(JSON.stringify(layouts.get(of))) as Layout),
  }
  return layouts.define({ ...(declared as LayoutDefinition), name })
}
