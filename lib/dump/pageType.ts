import { looksLikePool } from '../page/kernelAddress.ts'
import { hex, looksListed, realPointer } from './address.ts'
import type { Candidate } from './candidates.ts'
import type { Printed, Words } from './facts.ts'
import type { Image } from './image.ts'
import { tailBit } from './image.ts'
import type { RawDump } from './rawDump.ts'
import type { DumpType } from './types.ts'

/** What a page is, and what said so. */
export interface TypeAnswer {
  readonly type: DumpType
  readonly reason: string
}

/** What the recognition looks at. */
export interface Seen {
  readonly dump: RawDump
  readonly words: Words
  readonly image: Image | null
  readonly candidate: Candidate
  readonly flags: readonly string[]
  readonly printed: Printed
  readonly zone: number | null
  /** What the zone may be where its width is not known. */
  readonly zoneHint: number | null
}

const typeNames: Readonly<Record<string, DumpType>> = {
  buddy: 'buddy',
  offline: 'offline',
  balloon: 'balloon',
  kmemcg: 'kmemcg',
  table: 'page-table',
  pgtable: 'page-table',
  guard: 'guard',
  hugetlb: 'hugetlb',
  slab: 'slab',
  zsmalloc: 'zsmalloc',
  unaccepted: 'unaccepted',
  large_kmalloc: 'large-kmalloc',
}

export const hasPoolMagic = (word: bigint | undefined, wordBytes: 4 | 8): boolean =>
  word !== undefined && looksLikePool(word, wordBytes)

/** ZONE_DEVICE is the last of five zones where there are DMA and DMA32, on x86-64 and arm64. */
const deviceZone = 4

function ofMapping(mapping: bigint, flags: readonly string[]): TypeAnswer | null {
  const low = Number(mapping & 3n)
  if (mapping === 0n) return null
  if (low === 1) return { type: 'anon', reason: 'bit 0 of mapping is set' }
  if (low === 3) return { type: 'ksm', reason: 'bits 0 and 1 of mapping are set' }
  if (low === 2) return { type: 'movable', reason: 'bit 1 of mapping is set' }
  if (flags.includes('swapcache')) return { type: 'anon', reason: 'PG_swapcache is set' }
  return { type: 'file', reason: 'mapping is an address_space' }
}

/** As dump_page() reasons: the tail bit first, since it changes what the other words mean; then page types; then flags and pointers. */
export function recognise(seen: Seen): TypeAnswer {
  const { dump, words, image, candidate, flags, printed } = seen
  const has = (name: string): boolean => flags.includes(name)
  const places = candidate.places(words.wordBytes)
  const at = (byte: number): bigint => image?.word(byte) ?? 0n
  const next = image?.word(places.lruNext)
  if (tailBit(next)) return { type: 'tail', reason: 'bit 0 of the word of compound_head is set' }
  const typed = pageTypeOf(seen)
  if (typed !== null) return typed
  if (has('slab')) return { type: 'slab', reason: 'PG_slab is set' }
  if (image === null) return withoutWords(seen)
  if (hasPoolMagic(next, words.wordBytes)) {
    return {
      type: 'page-pool',
      reason: `pp_magic, ${hex(next as bigint)}, lies in word ${places.lruNext / words.wordBytes}`,
    }
  }
  const mapping = at(places.mapping)
  const device = deviceOf(seen, next, mapping)
  if (device !== null) return device
  if (words.page.every((word) => word === 0n))
    return { type: 'unknown', reason: 'all words are zero: never handed out, or not initialised' }
  if (has('head')) return { type: 'compound-head', reason: `PG_head is set${ofHead(mapping, flags)}` }
  const refcount = image.signed(places.refcount) ?? printed.refcount ?? 0
  const mapped = realPointer(mapping, words.wordBytes, 3n).ok ? ofMapping(mapping, flags) : null
  if (refcount === 0) {
    const free = mapped === null ? '' : `; mapping still says ${mapped.type}`
    if (looksListed(next, words.wordBytes) || (next !== 0n && next !== undefined))
      return { type: 'free', reason: `_refcount is zero${free}` }
    return {
      type: has('reserved') ? 'reserved' : 'free',
      reason: has('reserved') ? 'PG_reserved is set' : `_refcount is zero${free}`,
    }
  }
  if (mapped !== null) return mapped
  if (dump.flags?.prefix === 'anon') return { type: 'anon', reason: 'the flags line says anon' }
  if (has('swapbacked') && (has('swapcache') || has('owner_priv_1')))
    return { type: 'anon', reason: 'in the swap cache: PG_swapbacked and PG_swapcache are set' }
  if (has('reserved')) return { type: 'reserved', reason: 'PG_reserved is set' }
  if (dump.aops !== null) return { type: 'file', reason: `aops:${dump.aops} is printed` }
  if (has('swapbacked')) return { type: 'anon', reason: 'PG_swapbacked is set' }
  if (has('lru')) return { type: 'file', reason: 'PG_lru is set, and PG_swapbacked is not' }
  if (refcount < 0) return { type: 'free', reason: `_refcount is ${refcount}: given back more often than taken` }
  return { type: 'in-use', reason: 'referenced; no word says by what' }
}

const ofHead = (mapping: bigint, flags: readonly string[]): string => {
  const of = ofMapping(mapping, flags)
  return of === null ? '' : `; ${of.type}: ${of.reason}`
}

function pageTypeOf({ dump, words, image, candidate }: Seen): TypeAnswer | null {
  const place = candidate.places(words.wordBytes).mapcount
  const word = image?.unsigned(place, 32)
  const name = word === undefined ? null : candidate.typeOf(word)
  const known = name === null ? undefined : typeNames[name]
  if (known !== undefined) return { type: known, reason: `page_type says ${name}` }
  if (name !== null)
    return {
      type: 'unknown',
      reason: `page_type holds 0x${((word as number) >>> 24).toString(16)}, which no known kernel has`,
    }
  const printed = dump.type === null ? undefined : typeNames[dump.type.name]
  return printed === undefined ? null : { type: printed, reason: `the log says page_type ${dump.type?.name}` }
}

function withoutWords({ dump, flags, printed }: Seen): TypeAnswer {
  const has = (name: string): boolean => flags.includes(name)
  if (dump.flags?.prefix === 'anon') return { type: 'anon', reason: 'the flags line says anon' }
  if (dump.flags?.prefix === 'ksm') return { type: 'ksm', reason: 'the flags line says ksm' }
  if (has('head') && dump.head !== null) return { type: 'compound-head', reason: 'PG_head is set' }
  if (dump.aops !== null) return { type: 'file', reason: `aops:${dump.aops} is printed` }
  if (has('reserved')) return { type: 'reserved', reason: 'PG_reserved is set' }
  if (has('swapbacked')) return { type: 'anon', reason: 'PG_swapbacked is set' }
  if (printed.refcount === 0) return { type: 'free', reason: 'refcount:0 is printed' }
  if (has('head')) return { type: 'compound-head', reason: 'PG_head is set' }
  return { type: 'unknown', reason: 'the log has no words of this page' }
}

/** A ZONE_DEVICE page: its zone says so, and where a list would be are a dev_pagemap and the driver's word. */
function deviceOf(
  { words, image, flags, candidate, zone, zoneHint }: Seen,
  next: bigint | undefined,
  mapping: bigint,
): TypeAnswer | null {
  if (image === null || words.wordBytes !== 8 || flags.includes('lru')) return null
  const pointer = looksListed(next, 8)
  if (zone === deviceZone && (pointer || next === 0n)) {
    const what = pointer ? 'and the word of pgmap holds a kernel address' : 'though the word of pgmap is null'
    return { type: 'device', reason: `zone 4 is ZONE_DEVICE, ${what}` }
  }
  if (zone !== null || !pointer || next === undefined) return null
  const prev = image.word(candidate.places(8).lruPrev)
  // A list node has two neighbours; both are descriptors or heads of lists.
  const noList = !looksListed(prev, 8) || (next & 0x3fn) !== 8n
  if (zoneHint === deviceZone && noList)
    return {
      type: 'device',
      reason: 'the zone looks like ZONE_DEVICE (4, if the node is 0), and the word of pgmap holds a kernel address',
    }
  if (flags.includes('reserved') && noList && mapping !== next && prev !== next)
    return {
      type: 'device',
      reason: 'PG_reserved is set, and a kernel address that is no list lies where ZONE_DEVICE pages have their pgmap',
    }
  return null
}
