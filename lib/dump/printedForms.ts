import type { Release } from './eras.ts'

/** A form that only some kernels print. */
export interface PrintedForm {
  readonly said: string
  readonly from?: Release
  readonly to?: Release
}

/*
 * Which kernels print what. From the dated logs in public archives; where a form came by a backport into stable trees
 * or distributions the range is the widest that was seen.
 */
export const forms = {
  count: { said: 'prints "count:"', to: [5, 2] },
  refcount: { said: 'prints "refcount:"', from: [5, 1] },
  pfn: { said: 'prints "pfn:" behind the index', from: [5, 9] },
  noPfn: { said: 'prints no "pfn:" behind the index', to: [5, 9] },
  inlineHead: { said: 'prints the head in the line of the page', from: [5, 5], to: [5, 8] },
  inlineCompound: { said: 'prints "compound_mapcount:" in the line of the page', to: [5, 8] },
  headLine: { said: 'prints a line "head:"', from: [5, 8] },
  inlineWithoutPins: { said: 'prints no "compound_pincount:"', to: [5, 6] },
  compoundPincount: { said: 'prints "compound_pincount:"', from: [5, 7], to: [6, 1] },
  entireMapcount: { said: 'prints "entire_mapcount:"', from: [6, 2] },
  headPointer: { said: 'prints the head\'s address and "entire_mapcount:"', from: [6, 2], to: [6, 9] },
  headMapcount: { said: 'prints "mapcount:" in the line of the head', from: [6, 10] },
  pagePointer: { said: "prints the page's address", to: [6, 9] },
  noPagePointer: { said: "prints no page's address", from: [6, 10] },
  highFields: { said: 'prints node and zone', from: [5, 12] },
  noHighFields: { said: 'prints no node or zone', to: [5, 13] },
  typeWord: { said: 'prints page_type as a whole word', from: [6, 3], to: [6, 11] },
  typeByte: { said: 'prints page_type as its top byte', from: [6, 11] },
  headTail: { said: 'prints two descriptors of the folio', from: [6, 9] },
  oldPoison: { said: 'has 0x200 as list poison 2', to: [5, 2] },
  newPoison: { said: 'has 0x122 as list poison 2', from: [5, 1] },
  countReason: { said: 'says "_count"', to: [5, 2] },
  rawRows: { said: 'prints the words', from: [4, 10] },
  memcgLine: { said: 'prints "memcg:"', from: [5, 10] },
  memCgroupLine: { said: 'prints "page->mem_cgroup:"', to: [5, 10] },
  inodeLine: { said: 'prints "aops:" and the inode', from: [5, 7] },
  badBecause: { said: 'prints "bad because of flags:"', to: [5, 7] },
  pageFlags: { said: 'prints "page flags:"', to: [4, 5] },
  dropbehind: { said: 'names a flag "dropbehind"', from: [6, 14] },
} as const satisfies Record<string, PrintedForm>

export type FormName = keyof typeof forms
