import type { Cell, CompareDocument, LayoutEntry, RoomRow, SchemeEntry } from './document.ts'

/** What the cells of one scheme in one layout come to. Page types that do not exist do not count. */
export interface Verdict {
  fits: string[]
  collides: string[]
  refused: string[]
  /** Names of the fields that are hit, without repetition. */
  hitFields: string[]
}

/** The cell of a page type over all orders: the worst that happens to it decides. */
export function roomCell(scheme: SchemeEntry, layout: string, pageType: string): RoomRow | undefined {
  const rows = scheme.room.filter((row) => row.layout === layout && row.pageType === pageType)
  const first = (cell: RoomRow['cell']): RoomRow | undefined => rows.find((row) => row.cell === cell)
  return first('collides') ?? first('fits') ?? first('refused') ?? rows[0]
}

export function verdict(scheme: SchemeEntry, layout: string, pageTypes: readonly string[]): Verdict {
  const result: Verdict = { fits: [], collides: [], refused: [], hitFields: [] }
  const fields = new Set<string>()
  for (const pageType of pageTypes) {
    const row = roomCell(scheme, layout, pageType)
    if (row === undefined || row.cell === 'impossible') continue
    result[row.cell].push(pageType)
    for (const { field } of row.collisions) fields.add(field)
  }
  result.hitFields = [...fields]
  return result
}

/** Why the scheme refuses pages of a layout that can be pinned: each reason once, with its page types. */
export function refusals(scheme: SchemeEntry, layout: LayoutEntry): { reason: string; types: string[] }[] {
  const byReason = new Map<string, string[]>()
  for (const type of layout.types.filter(pinnable)) {
    const row = roomCell(scheme, layout.name, type)
    if (row?.cell === 'refused') byReason.set(row.reason, [...(byReason.get(row.reason) ?? []), type])
  }
  return [...byReason].map(([reason, types]) => ({ reason, types }))
}

/** The whole verdict as one cell: a single collision decides. */
export function summaryCell({ fits, collides, refused }: Verdict): Cell {
  if (collides.length > 0) return 'collides'
  if (refused.length > 0) return 'refused'
  return fits.length > 0 ? 'fits' : 'impossible'
}

/** Pages that a pin can meet: nobody pins a free page, a slab, a page table. */
export const pinnable = (pageType: string): boolean => !['free', 'slab', 'page-table'].includes(pageType)

export const isZoneDevice = (pageType: string): boolean =>
  pageType.startsWith('device-') || ['fsdax', 'devdax', 'p2pdma'].includes(pageType)

/** Schemes that fit every page type that can be pinned, in every layout that was looked at. */
export function fitsEverywhere(document: CompareDocument): SchemeEntry[] {
  return document.schemes.filter((scheme) =>
    document.layouts.every((layout) => {
      const { collides, refused } = verdict(scheme, layout.name, layout.types.filter(pinnable))
      return collides.length === 0 && refused.length === 0
    }),
  )
}

/**
 * Fields that page types need in words which the layout has given to something
 * else: a proposal's own conflict, before any scheme comes. By field, the types.
 */
export function contestedFields(layout: LayoutEntry): Map<string, string[]> {
  const byField = new Map<string, string[]>()
  for (const { name, contested, types } of layout.fields) {
    if (contested) byField.set(name, [...new Set([...(byField.get(name) ?? []), ...types])])
  }
  return byField
}

/** The conflict of a layout in a sentence; empty if it has none. */
export function contestedText(layout: LayoutEntry): string {
  const parts = [...contestedFields(layout)].map(([field, types]) => `${field} (${types.join(', ')})`)
  if (parts.length === 0) return ''
  return `${layout.name} makes its room by taking words that pages need: ${parts.join('; ')}.`
}
