import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { oneOf } from '../base/args.ts'
import { deepFreeze } from '../base/freeze.ts'
import { packageRoot } from '../native/load.ts'
import type { ZooEntry, ZooOmission } from './zooTypes.ts'

/** Entries are data: one file each, beside the library. */
const folder = (): string => join(packageRoot(), 'zoo')

const read = <Value>(name: string): Value => JSON.parse(readFileSync(join(folder(), name), 'utf8')) as Value

let entries: readonly ZooEntry[] | undefined
let omissions: readonly ZooOmission[] | undefined

/** Historic bugs, the oldest first; each is found, made short, repeated, and shown to be absent without its quirks by {@link runZooEntry}. */
export function zoo(): readonly ZooEntry[] {
  entries ??= deepFreeze(
    readdirSync(folder())
      .filter((name) => name.endsWith('.json') && name !== 'omissions.json')
      .map((name) => read<ZooEntry>(name))
      .sort((a, b) => a.year - b.year || a.id.localeCompare(b.id)),
  )
  return entries
}

/** Bugs that are known and cannot be shown here, each with the reason. */
export function zooOmissions(): readonly ZooOmission[] {
  omissions ??= deepFreeze(read<ZooOmission[]>('omissions.json'))
  return omissions
}

/** @throws PageboxError `ERR_PAGEBOX_ARG_RANGE` for a name that is none, with the one that was meant. */
export function zooEntry(id: string): ZooEntry {
  const all = zoo()
  const known = oneOf(
    id,
    'id',
    all.map((entry) => entry.id),
  )
  return all.find((entry) => entry.id === known) as ZooEntry
}
