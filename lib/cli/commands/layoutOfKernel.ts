import { asLayout } from '../../btf/asLayout.ts'
import type { LayoutDeclaration } from '../../btf/declaration.ts'
import { membersOf } from '../../btf/members.ts'
import { printType } from '../../btf/print.ts'
import type { Layout, PageType } from '../../page/layout.ts'
import { UsageError } from '../failure.ts'
import { defineKernel, readKernel } from '../importedLayout.ts'
import { toJson } from '../json.ts'
import { kernelText } from '../text/kernel.ts'
import { type Claim, layoutText } from '../text/layout.ts'
import type { Context } from './context.ts'
import { pageTypesOf } from './pageTypesOf.ts'

export interface KernelOptions {
  btf: string
  kconfig?: string
  scheme?: string
  struct?: string
  type?: readonly string[]
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
  claimOf: (scheme: string, layout: Layout) => Claim,
): Promise<void> {
  const { toLayoutDeclaration } = await import('../../index.ts')
  const kernel = await readKernel(options)
  const shown = asLayout(kernel)
  const only = pageTypesOf(shown, options.type)
  const declaration = toLayoutDeclaration(kernel)
  const claim =
    options.scheme === undefined ? undefined : claimOf(options.scheme, await defineKernel(kernel, declaration))
  if (options.json) {
    const types = (only ?? shown.types).filter((each) => declares(declaration, each))
    const room = claim && { scheme: claim.scheme, room: types.map((each) => claim.roomOf(each)) }
    io.out(`${toJson({ layout: shown, kernel, declaration, ...room })}\n`)
    return
  }
  // A scheme is laid over the page types that boxes have.
  const layout = claim === undefined ? shown : declaredOnly(shown, declaration)
  io.out(`${layoutText(layout, claim, only, io)}\n${kernelText(kernel, io)}`)
}

const declares = ({ definition }: LayoutDeclaration, type: string): boolean =>
  definition.types?.includes(type as PageType) ?? false

const declaredOnly = (layout: Layout, declaration: LayoutDeclaration): Layout => ({
  ...layout,
  types: layout.types.filter((type) => declares(declaration, type)),
})
