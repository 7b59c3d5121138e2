import { boolean, integer, oneOf, options, or } from '../base/args.ts'
import { PageboxError } from '../errors.ts'
import type { NativeBoxOptions } from '../native/binding.ts'
import { layoutOf, layoutRef } from '../page/layouts.ts'
import { tables } from '../native/tables.ts'
import { behaviourKeys, behaviourOf } from '../pins/behaviour.ts'
import { schemeOf, schemeRef } from '../pins/schemes.ts'

const maxShards = 256

/** Pfns that a box keeps for devices, unless it is told otherwise: 256 MiB of memory. */
const defaultDevicePages = 2 ** 16

/** The zero page leaves no room for one in the first. */
const mostHugetlbPages = (pages: number): number => Math.max(0, Math.floor(pages / tables().pagesPerHugePage) - 1)

const known = [
  'pages',
  'devicePages',
  'scheme',
  'layout',
  'ledger',
  'frames',
  'populate',
  'hugePages',
  'hugetlbPages',
  'shards',
  ...behaviourKeys,
] as const

/** The settings of a box as native code takes them, each option checked and read once. */
export function readBoxOptions(value: unknown, argument: string): NativeBoxOptions {
  if (value === undefined) throw noOptions(argument)
  const given = options(value, argument, known)
  type Flag = 'ledger' | 'frames' | 'hugePages'
  const flag = (key: Flag, otherwise: boolean): boolean =>
    given[key] === undefined ? otherwise : boolean(given[key], `${argument}.${key}`)
  const frames = flag('frames', false)
  const populate =
    given.populate === undefined
      ? frames
        ? 'none'
        : 'anon'
      : oneOf(given.populate, `${argument}.populate`, ['anon', 'none'] as const)
  const scheme = schemeOf(or(given.scheme, 'refcount-bias'), `${argument}.scheme`)
  const pages = integer(given.pages, `${argument}.pages`, 1, tables().limits.boxPages)
  const layout = layoutOf(or(given.layout, 'linux-6.12'), `${argument}.layout`)
  return {
    pages,
    devicePages:
      given.devicePages === undefined
        ? Math.min(defaultDevicePages, tables().limits.boxPages - pages)
        : integer(given.devicePages, `${argument}.devicePages`, 0, tables().limits.boxPages - pages),
    devicePagesOptional: given.devicePages === undefined,
    addressSpaces: true,
    scheme: schemeRef(scheme),
    layout: layoutRef(layout),
    ledger: flag('ledger', true),
    frames,
    populate: populate === 'anon',
    hugePages: flag('hugePages', false),
    hugetlbPages:
      given.hugetlbPages === undefined
        ? 0
        : integer(given.hugetlbPages, `${argument}.hugetlbPages`, 0, mostHugetlbPages(pages)),
    shards: given.shards === undefined ? 8 : integer(given.shards, `${argument}.shards`, 1, maxShards),
    behaviour: behaviourOf(given, argument, scheme, layout),
  }
}

const noOptions = (argument: string): PageboxError =>
  new PageboxError('ERR_PAGEBOX_ARG_TYPE', `${argument} must be an object with pages; got undefined`, {
    argument,
    given: 'undefined',
    allowed: 'an object with pages',
  })
