import { existsSync } from 'node:fs'
import { asLayout } from '../../btf/asLayout.ts'
import { anyPage, findFreeBits } from '../../page/freeBits.ts'
import type { Layout } from '../../page/layout.ts'
import { diffLayouts } from '../../page/layoutDiff.ts'
import { UsageError } from '../failure.ts'
import { type BtfOptions, hasBtf, readKernel } from '../importedLayout.ts'
import { toJson } from '../json.ts'
import { pick, pickMany } from '../parse.ts'
import { freeBitsText } from '../text/freeBits.ts'
import { layoutDiffText } from '../text/layoutDiff.ts'
import type { Context } from './context.ts'
import { pageTypesOf } from './pageTypesOf.ts'

interface Asked extends BtfOptions {
  name?: string
  diff?: readonly string[]
  type?: readonly string[]
  freeBits?: number
  orders?: readonly number[]
  scheme?: string
  struct?: string
  json?: boolean
}

/** Options of the drawing, which answers no question. */
function noDrawing({ scheme, struct }: Asked, of: string): void {
  if (scheme !== undefined) throw new UsageError(`--scheme does not go with ${of}`)
  if (struct !== undefined) throw new UsageError(`--struct does not go with ${of}`)
}

/** `--free-bits`: where a count of so many bits could live. */
export async function printFreeBits(asked: Asked, { io }: Context): Promise<void> {
  noDrawing(asked, '--free-bits')
  const { pagebox } = await import('../subject.ts')
  if (asked.name !== undefined && asked.btf !== undefined) throw new UsageError('give a layout or --btf, not both')
  const layout = hasBtf(asked)
    ? asLayout(await readKernel(asked), 'little')
    : pick(pagebox.layouts, asked.name ?? 'linux-6.12', 'layout')
  const types = pageTypesOf(layout, asked.type) ?? layout.types.filter((type) => !/tail$/.test(type))
  const orders = asked.orders ?? [0]
  const wanted = asked.freeBits as number
  if (!anyPage(layout, { types, orders }))
    throw new UsageError(`${layout.name} has no ${types.join(', ')} pages of order ${orders.join(', ')}`)
  const found = findFreeBits(layout, { types, orders }, wanted)
  io.out(
    asked.json
      ? `${toJson({ layout: layout.name, types, orders, wanted, ...found })}\n`
      : freeBitsText(layout, { types, orders }, wanted, found, io),
  )
}

/** `--diff A B`, where one of the two may be given as the command's layout or `--btf`. */
export async function printDiff(asked: Asked, { io }: Context): Promise<void> {
  noDrawing(asked, '--diff')
  if (asked.freeBits !== undefined) throw new UsageError('--free-bits does not go with --diff')
  const { pagebox } = await import('../subject.ts')
  const { layouts } = pagebox
  const named = async (name: string): Promise<Layout> => {
    if (!layouts.some((each) => each.name === name) && (name.includes('/') || existsSync(name)))
      return asLayout(await readKernel({ btf: name }))
    return pick(layouts, name, 'layout')
  }
  const sides: Layout[] = []
  if (hasBtf(asked)) sides.push(asLayout(await readKernel(asked)))
  for (const name of [...(asked.name === undefined ? [] : [asked.name]), ...(asked.diff ?? [])])
    sides.push(await named(name))
  const [before, after, ...more] = sides
  if (before === undefined || after === undefined || more.length > 0)
    throw new UsageError(`--diff compares two layouts, and ${sides.length} were given`)
  const only =
    asked.type &&
    pickMany(
      [...new Set<string>([...before.types, ...after.types])].map((name) => ({ name })),
      asked.type,
      'page type',
    ).map(({ name }) => name)
  const found = diffLayouts(before, after, only)
  io.out(asked.json ? `${toJson(found)}\n` : layoutDiffText(found, io))
}
