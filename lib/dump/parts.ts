import { mayHide, plainText } from './line.ts'
import type { PageOwner, PrintedFlags, PrintedType } from './rawDump.ts'

/** One thing that a dump prints. */
export type Part =
  | { readonly kind: 'header'; readonly keys: Map<string, string> }
  | { readonly kind: 'head'; readonly keys: Map<string, string> }
  | { readonly kind: 'row'; readonly of: 'raw' | 'head'; readonly words: readonly string[] }
  | { readonly kind: 'flags'; readonly flags: PrintedFlags; readonly bad: boolean; readonly old: boolean }
  | { readonly kind: 'type'; readonly type: PrintedType }
  | { readonly kind: 'memcg'; readonly value: string; readonly form: 'memcg' | 'mem_cgroup' }
  | { readonly kind: 'aops'; readonly aops: string; readonly inode: string | null; readonly dentry: string | null }
  | { readonly kind: 'because'; readonly text: string }
  | { readonly kind: 'state'; readonly process: string; readonly pfn: bigint | null }
  | { readonly kind: 'owner'; readonly owner: PageOwner }
  | { readonly kind: 'kernel'; readonly release: string }

const keyNames =
  'page|head|refcount|count|mapcount|mapping|index|pfn|order|compound_mapcount|compound_pincount|entire_mapcount|nr_pages_mapped|large_mapcount|pincount'
const pair = new RegExp(`\\b(${keyNames}):\\s*(\\(null\\)|[^\\s:]+)`, 'g')
/** A line that can only be the rest of a header. */
export const restOfHeader = new RegExp(`^(?:(?:${keyNames}):\\s*\\S+\\s*)+$`)

// Where each part begins. Behind `head:` of a row there is a space; inside the header of 5.6 there is none.
const marker = new RegExp(
  [
    'BUG: Bad page (?:state|map|cache) in process',
    '\\bpage:(?=\\s{0,2}(?:[^\\s:]{1,40}\\s{1,4})?(?:head:\\S{1,40}\\s{1,4})?(?:ref)?count:\\s{0,4}-?\\d)',
    '\\bhead:(?=\\s{0,2}(?:[^\\s:]{1,40}\\s{1,4})?order:)',
    '\\b(?:raw|head):(?=\\s{1,40}(?:0x)?[\\da-fA-F]{1,16}(?:\\s|$))',
    'bad because of flags:',
    '(?:\\b(?:anon|ksm) )?(?:\\bpage )?\\bflags:(?=\\s{0,8}(?:0x)?[\\da-f]{1,16}\\(|\\s*$)',
    '\\bpage_type:(?=\\s{0,8}(?:0x)?[\\da-f]{1,8}\\()',
    'page dumped because:',
    '\\bmemcg:(?=[\\da-f]{8})',
    'page->mem_cgroup:(?=[\\da-f]{8})',
    '\\baops:(?=\\S)',
    '(?<!\\S)(?!dentry )[\\w.]{1,80} name:"',
    '\\bpage_owner (?:tracks|info)',
    '\\bpage (?:last )?allocated via order',
    '\\bCPU: \\d{1,5} (?=.{0,300}ainted)',
    '\\bLinux version (?=\\d)',
  ].join('|'),
  'g',
)

const number = (text: string | undefined): number | null => (text === undefined ? null : Number.parseInt(text, 10))

export function readFlags(text: string, prefix: 'anon' | 'ksm' | null): PrintedFlags | null {
  const found = /^\s*(?:0x)?([\da-f]{1,16})\(([^)]{0,1000})/i.exec(text)
  if (found === null) return null
  const names: string[] = []
  const fields: Record<string, bigint> = Object.create(null)
  for (const part of (found[2] as string).replace(/\s+/g, '').split('|')) {
    const field = /^(section|node|zone|lastcpupid|kasantag)=(?:(0x[\da-f]{1,16})|(\d{1,10}))$/i.exec(part)
    if (field !== null) fields[(field[1] as string).toLowerCase()] = BigInt(field[2] ?? (field[3] as string))
    else if (/^[a-z][\w-]{0,31}$/i.test(part)) names.push(part)
  }
  return { value: BigInt(`0x${found[1]}`), names, fields, prefix }
}

function keysOf(text: string): Map<string, string> {
  const keys = new Map<string, string>()
  for (const [, key, value] of text.matchAll(pair))
    if (!keys.has(key as string)) keys.set(key as string, value as string)
  return keys
}

function ownerOf(text: string): PageOwner {
  const order = /via order (\d{1,2})/.exec(text)?.[1]
  const state = /tracks the page as (allocated|freed)/.exec(text)?.[1] as 'allocated' | 'freed' | undefined
  return {
    state: state ?? null,
    order: number(order),
    migratetype: /migratetype (\w{1,20})/.exec(text)?.[1] ?? null,
    gfpMask: /gfp_mask (0x[\da-f]{1,16}(?:\([^)]{0,400}\))?)/.exec(text)?.[1] ?? null,
    pid: number(/\bpid (\d{1,10})/.exec(text)?.[1]),
    process: /tgid \d{1,10} \(([^)]{1,32})\)/.exec(text)?.[1] ?? null,
  }
}

// The next line of the log, where whoever posted it has joined them.
const afterReason = /\s-{4,40}\[ cut here.*/s

/** Words of a row that are looked at; no row has as many. */
const mostWords = 17

const words = (text: string): string[] => {
  const list: string[] = []
  for (const token of text.slice(0, 400).split(/[\s,]+/)) {
    if (token === '') continue
    if (list.length === mostWords) break
    // A console may leave a letter behind each line; of a word of full width it is seen.
    const word = /^(?:0x)?(?:([\da-f]{1,16})|([\da-f]{16}|[\da-f]{8})[^\da-f]{1,2})$/i.exec(token)
    if (word === null) break
    list.push(((word[1] ?? word[2]) as string).toLowerCase())
    if (word[2] !== undefined) break
  }
  return list
}

/** Behind the taint flags, which are letters and, since 6.11, a list of names. */
const releaseIn = (text: string): string | undefined => {
  const at = text.search(/ainted/)
  return at < 0 ? undefined : /\s(\d{1,2}\.\d{1,3}[\w.+~-]{0,60})/.exec(text.slice(at, at + 300))?.[1]
}

function partAt(begin: string, rest: string): Part | null {
  if (begin.startsWith('BUG:')) {
    const found = /^\s*(.{0,64}?)\s+(?:pfn:([\da-f]{1,16})|pte:)/.exec(rest)
    return {
      kind: 'state',
      process: found?.[1] ?? rest.trim().slice(0, 64),
      pfn: found?.[2] ? BigInt(`0x${found[2]}`) : null,
    }
  }
  if (begin === 'page:') return { kind: 'header', keys: keysOf(pointerFirst(rest)) }
  if (begin === 'head:' && /^\s{0,2}(?:[^\s:]+\s+)?order:/.test(rest))
    return { kind: 'head', keys: keysOf(pointerFirst(rest)) }
  if (begin === 'raw:' || begin === 'head:')
    return { kind: 'row', of: begin === 'raw:' ? 'raw' : 'head', words: words(rest) }
  if (begin.endsWith('flags:')) {
    const prefix = begin.startsWith('anon') ? 'anon' : begin.startsWith('ksm') ? 'ksm' : null
    const flags = readFlags(rest, prefix)
    return flags && { kind: 'flags', flags, bad: begin.startsWith('bad'), old: begin.startsWith('page ') }
  }
  if (begin === 'page_type:') {
    const found = /^\s*(0x)?([\da-f]{1,8})\(([^)]{0,40})/.exec(rest)
    if (found === null) return null
    return {
      kind: 'type',
      type: { whole: found[1] !== undefined, value: BigInt(`0x${found[2]}`), name: found[3] as string },
    }
  }
  if (begin === 'page dumped because:')
    return { kind: 'because', text: rest.replace(afterReason, '').trim().slice(0, 400) }
  if (begin === 'memcg:' || begin.startsWith('page->')) {
    const value = /^[\da-f]{8,16}/.exec(rest)?.[0]
    return value === undefined ? null : { kind: 'memcg', value, form: begin === 'memcg:' ? 'memcg' : 'mem_cgroup' }
  }
  if (begin === 'aops:') {
    const name = /dentry name(?:\(\?\))?:"([^"]{0,255})"/.exec(rest)?.[1]
    const aops = /^(\S{1,120}(?: \[[\w-]{1,60}\])?)/.exec(rest)?.[1] as string
    return { kind: 'aops', aops, inode: /\bino:([\da-f]{1,16})/.exec(rest)?.[1] ?? null, dentry: name ?? null }
  }
  if (begin.endsWith('name:"')) {
    const aops = begin.split(' ')[0] as string
    return { kind: 'aops', aops: aops.slice(0, 120), inode: null, dentry: /^([^"]{0,255})/.exec(rest)?.[1] ?? null }
  }
  if (begin.startsWith('page_owner') || begin.startsWith('page '))
    return { kind: 'owner', owner: ownerOf(begin + rest) }
  const release = begin.startsWith('Linux') ? /^\d{1,2}\.\d{1,3}[\w.+~-]{0,60}/.exec(rest)?.[0] : releaseIn(rest)
  return release === undefined ? null : { kind: 'kernel', release }
}

// `page:ffffea00…` and `head:(____ptrval____)`: the first value has no key of its own.
const pointerFirst = (rest: string): string =>
  rest.replace(/^\s{0,2}([^\s:]+)(?=\s+(?:head|refcount|count|order):)/, ' page:$1 ').slice(0, 2000)

/** All that a line of a log prints of a dump, from left to right. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = []
  const begins = [...text.matchAll(marker)]
  for (const [i, found] of begins.entries()) {
    const begin = found[0]
    const to = begins[i + 1]?.index ?? text.length
    const part = partAt(begin.trim(), text.slice(found.index + begin.length, to))
    if (part !== null) parts.push(part)
  }
  return parts
}

/** Where the first part begins; -1: nowhere. */
export const firstPart = (text: string): number => text.search(marker)

/** Whether a line can hold any part; cheap, and never wrong about a line that does. */
export const mayHoldPart = (line: string): boolean => quick.test(line) || (mayHide(line) && quick.test(plainText(line)))
const quick =
  /page:|head:|raw:|flags:|page_type:|page dumped|memcg:|mem_cgroup:|aops:|name:"|page_owner|allocated via|ainted|Linux version|Bad page|[\da-f]{8}(?: <[^>]{0,80}>)?:/i
