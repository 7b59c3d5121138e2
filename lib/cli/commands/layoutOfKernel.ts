import type { KernelDescriptor } from '../../btf/description.ts'
import type { LayoutDeclaration } from '../../btf/declaration.ts'
import { membersOf } from '../../btf/members.ts'
import { printType } from '../../btf/print.ts'
import type { Layout, PageType } from '../../page/layout.ts'
import { UsageError } from '../failure.ts'
import { toJson } from '../json.ts'
import { pick } from '../parse.ts'
import { asLayout, kernelText } from '../text/kernel.ts'
import { type Claim, layoutText } from '../text/layout.ts'
import type { Context } from './context.ts'

export interface KernelOptions {
  btf: string
  kconfig?: string
  scheme?: string
  struct?: string
  type?: string
  json?: boolean
}

/** A struct of the kernel, as pahole prints it. */
export async function printStruct(name: string, { btf: path, json }: KernelOptions, { io }: Context): Promise<void> {
  const { readBtf } = await import('../../btf/importBtf.ts')
  const { btf } = await readBtf(path, { kconfig: false })
  const found = [...btf.composites(name), ...btf.composites(name, 'union')]
  if (name === '' || found.length === 0)
    throw new UsageError(`the kernel has no struct or union ${JSON.stringify(name)}`)
  if (json) io.out(`${toJson({ structs: found.map(({ id, type }) => ({ ...type, members: membersOf(btf, id) })) })}\n`)
  else io.out(`${found.map(({ id }) => printType(btf, id)).join('\n\n')}\n`)
}

/** A kernel's descriptor, printed as a layout is; `claimOf` says what a scheme does to a layout. */
export async function printKernel(
  options: KernelOptions,
  { io }: Context,
  claimOf: (scheme: string, layoutOf: () => Layout) => Claim,
): Promise<void> {
  const { importBtf, toLayoutDeclaration, layouts } = await import('../../index.ts')
  const kernel = await importBtf(options.btf, options.kconfig === undefined ? {} : { kconfig: options.kconfig })
  const shown = asLayout(kernel)
  const type =
    options.type &&
    pick(
      shown.types.map((each) => ({ name: each as string })),
      options.type,
      'page type',
    ).name
  const declaration = toLayoutDeclaration(kernel)
  const claim =
    options.scheme === undefined ? undefined : claimOf(options.scheme, () => define(kernel, declaration, layouts))
  if (options.json) {
    const types = (type === undefined ? shown.types : [type]).filter((each) => declares(declaration, each))
    const room = claim && { scheme: claim.scheme, room: types.map((each) => claim.roomOf(each)) }
    io.out(`${toJson({ layout: shown, kernel, declaration, ...room })}\n`)
    return
  }
  // A scheme is laid over the page types that boxes have.
  const layout = claim === undefined ? shown : declaredOnly(shown, declaration)
  io.out(`${layoutText(layout, claim, type || undefined, io)}\n${kernelText(kernel, io)}`)
}

const declares = ({ definition }: LayoutDeclaration, type: string): boolean =>
  definition.types?.includes(type as PageType) ?? false

const declaredOnly = (layout: Layout, declaration: LayoutDeclaration): Layout => ({
  ...layout,
  types: layout.types.filter((type) => declares(declaration, type)),
})

/** The kernel's layout as boxes know layouts; refused where a layout cannot say what the kernel has. */
function define(
  kernel: KernelDescriptor,
  { definition, cannotSay }: LayoutDeclaration,
  layouts: { has(name: string): boolean; define(definition: LayoutDeclaration['definition']): Layout },
): Layout {
  const refused = cannotSay.filter((each) => each.refused).map(({ what }) => what)
  if (refused.length > 0)
    throw new UsageError(`no scheme can be laid over ${kernel.name} yet; a layout cannot say: ${refused.join('; ')}`)
  let { name } = definition
  for (let copy = 2; layouts.has(name); copy++) name = `${definition.name.slice(0, 58)}-${copy}`
  return layouts.define({ ...definition, name })
}
