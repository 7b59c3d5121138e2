import { tables } from '../native/tables.ts'
import { boolean, integer, oneOf, options, string, typedArray } from '../base/args.ts'
import { counted as countOf } from '../base/describe.ts'
import { PageboxError } from '../errors.ts'
import { Mm } from '../mm/mm.ts'
import { type FileOptions, type OpenFileOptions, PageFile, checkFileOptions } from '../mm/pageFile.ts'
import { maxPages } from '../mm/range.ts'
import { internal, type MachineSource } from '../mm/source.ts'
import { kernelError, made } from '../native/machineStatus.ts'
import { errnoName } from '../native/status.ts'
import type { NativeDevice } from '../native/machineBinding.ts'
import { DaxDevice, type DaxOptions, daxKinds } from '../zone_device/daxDevice.ts'
import { Device, type DeviceOptions, deviceTypes } from '../zone_device/device.ts'
import { P2pdma, type P2pdmaOptions } from '../zone_device/p2pdma.ts'
import type { HugetlbCounts } from './boxTypes.ts'

/** A new, empty address space. */
export function createMm<Owner>(source: MachineSource<Owner>): Mm<Owner> {
  const { id } = made(source.native.createMm(), 'createMm', 'the box')
  return new Mm(source, id, internal)
}

export function createFile(source: MachineSource<unknown>, settings: FileOptions): PageFile {
  const given = options(settings, 'options', ['pages', 'kind', 'words'] as const)
  const words = given.words === undefined ? undefined : typedArray(given.words, 'options.words', 'BigUint64Array')
  const pages =
    given.pages === undefined ? (words?.length ?? 0) : integer(given.pages, 'options.pages', 0, maxPages / 16)
  const kind = given.kind === undefined ? 'memory' : oneOf(given.kind, 'options.kind', ['memory', 'disk'] as const)
  checkFileOptions(pages, words)
  const { id } = made(source.native.createFile(pages, kind === 'disk'), 'createFile', 'the box')
  const room = kind === 'disk' ? 'disk' : 'file'
  const file = new PageFile(source, { id, room, kind, direct: kind === 'disk' }, internal)
  if (words !== undefined && words.length > 0) file.writeWords(words)
  if (kind === 'disk') file.writeback()
  return file
}

export function openFile(source: MachineSource<unknown>, path: unknown, settings: OpenFileOptions): PageFile {
  const where = string(path, 'path', 'the path of a file')
  if (where === '' || where.includes('\0'))
    throw new PageboxError('ERR_PAGEBOX_ARG_RANGE', 'path must be the path of a file', {
      argument: 'path',
      given: where === '' ? "''" : 'a string with a zero in it',
      allowed: 'the path of a file',
    })
  const given = options(settings, 'options', ['direct', 'create', 'truncate'] as const)
  const flag = (name: 'direct' | 'create' | 'truncate', otherwise: boolean): boolean =>
    given[name] === undefined ? otherwise : boolean(given[name], `options.${name}`)
  const opened = source.native.openFile(where, flag('direct', true), flag('create', false), flag('truncate', false))
  if (typeof opened === 'number' && errnoName(opened) === 'EINVAL')
    throw new PageboxError('ERR_PAGEBOX_ARG_RANGE', `openFile: '${where}' is no file of whole pages`, {
      argument: 'path',
      given: 'a file whose length is no multiple of 4096',
      allowed: 'a file of whole pages; truncate: true makes it empty',
      errno: 'EINVAL',
    })
  if (typeof opened === 'number' && opened > 0) {
    const why = openWords[errnoName(opened)]
    if (why !== undefined)
      throw new PageboxError('ERR_PAGEBOX_REFUSED', `openFile: '${where}': ${errnoName(opened)}, ${why}`, {
        argument: 'path',
        given: where,
        allowed: 'a regular file that may be read and written',
        errno: errnoName(opened),
      })
  }
  const { id, direct } = made(opened, 'openFile', `'${where}'`)
  return new PageFile(source, { id, room: 'disk', kind: 'real', direct }, internal)
}

/** What open(2) means by an errno that means something else of pages. */
const openWords: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; create: true makes one',
  EACCES: 'no permission to read and write it',
  EPERM: 'not permitted',
  ENXIO: 'nobody has the other end open',
  ENODEV: 'no such device',
  EBUSY: 'in use',
}

/** Numbers a device that was given no name. */
function nextName(source: MachineSource<unknown>): string {
  const listed = source.native.listDevices()
  const names = new Set(typeof listed === 'number' ? [] : listed.map(({ name }) => name))
  for (let i = 0; ; i++) if (!names.has(`device ${i}`)) return `device ${i}`
}

export function addDevice<Owner>(source: MachineSource<Owner>, settings: DeviceOptions): Device<Owner> {
  const given = options(settings, 'options', ['type', 'pages', 'name'] as const)
  const type = given.type === undefined ? 'private' : oneOf(given.type, 'options.type', deviceTypes)
  return new Device(source, add(source, 'addDevice', 'options.type', type, given), internal)
}

export function addDax<Owner>(source: MachineSource<Owner>, settings: DaxOptions): DaxDevice<Owner> {
  const given = options(settings, 'options', ['kind', 'pages', 'name'] as const)
  const kind = given.kind === undefined ? 'fsdax' : oneOf(given.kind, 'options.kind', daxKinds)
  return new DaxDevice(source, add(source, 'addDax', 'options.kind', kind, given), internal)
}

export function addP2pdma<Owner>(source: MachineSource<Owner>, settings: P2pdmaOptions): P2pdma<Owner> {
  const given = options(settings, 'options', ['pages', 'name'] as const)
  return new P2pdma(source, add(source, 'addP2pdma', 'this', 'p2pdma', given), internal)
}

/** Adds a device of any type; `which` is the argument that chose it. */
function add(
  source: MachineSource<unknown>,
  call: string,
  which: string,
  type: string,
  given: { readonly pages: unknown; readonly name: unknown },
): NativeDevice {
  const pages = given.pages === undefined ? 1024 : integer(given.pages, 'options.pages', 1, tables().limits.boxPages)
  const name = given.name === undefined ? nextName(source) : string(given.name, 'options.name', 'a name')
  const added = source.native.addDevice(type, pages, name)
  if (typeof added === 'number') throw refused(added)
  return made(added, call, 'the box')

  function refused(status: number): PageboxError {
    switch (status < 0 ? '' : errnoName(status)) {
      case 'REFUSED':
        return new PageboxError('ERR_PAGEBOX_NO_ROOM', `${call}: the layout has no pages of '${type}' memory`, {
          argument: which,
          given: `'${type}'`,
          allowed: 'a type whose pages the layout has',
          errno: 'EOPNOTSUPP',
        })
      case 'ENOSPC':
        return new PageboxError(
          'ERR_PAGEBOX_ARG_RANGE',
          `${call}: no room for ${countOf(pages, 'page')} behind the others; the box was made with devicePages ${source.native.facts.devicePages}`,
          {
            argument: 'options.pages',
            given: `${pages}`,
            allowed: `${source.native.facts.devicePages} pages and 16 devices in all`,
            errno: 'ENOSPC',
          },
        )
      case 'EEXIST':
        return new PageboxError('ERR_PAGEBOX_ARG_RANGE', `${call}: there is a device of that name`, {
          argument: 'options.name',
          given: `'${name}'`,
          allowed: 'a name that no device has',
          errno: 'EEXIST',
        })
      default:
        return kernelError(status, call, 'the box')
    }
  }
}

/** The devices of these types, whoever added them; none before the first address space. */
function listed(source: MachineSource<unknown>, call: string, types: readonly string[]): NativeDevice[] {
  const found = source.native.listDevices()
  if (typeof found === 'object') return found.filter(({ type }) => types.includes(type))
  if (errnoName(found) === 'EBADF') return []
  throw kernelError(found, call, 'the box')
}

export const devices = <Owner>(source: MachineSource<Owner>): Device<Owner>[] =>
  listed(source, 'devices', deviceTypes).map((facts) => new Device(source, facts, internal))

export const daxDevices = <Owner>(source: MachineSource<Owner>): DaxDevice<Owner>[] =>
  listed(source, 'daxDevices', daxKinds).map((facts) => new DaxDevice(source, facts, internal))

export const p2pdmaDevices = <Owner>(source: MachineSource<Owner>): P2pdma<Owner>[] =>
  listed(source, 'p2pdmaDevices', ['p2pdma']).map((facts) => new P2pdma(source, facts, internal))

/** A number of pages that a call on the whole machine gives; 0 for a box that has none. */
function counted(result: { pages: number } | number, call: string): number {
  if (typeof result === 'object') return result.pages
  if (errnoName(result) === 'EBADF') return 0
  throw kernelError(result, call, 'the box')
}

export function reclaim(source: MachineSource<unknown>, pages: unknown): number {
  const { boxPages } = tables().limits
  const most = pages === undefined ? boxPages : integer(pages, 'pages', 0, boxPages)
  return counted(source.native.reclaim(most), 'reclaim')
}

export function compact(source: MachineSource<unknown>, first: unknown, pages: unknown): number {
  const all = source.native.facts.pages
  const from = first === undefined ? 0 : integer(first, 'first', 0, all - 1)
  const count = pages === undefined ? all - from : integer(pages, 'pages', 0, all - from)
  return counted(source.native.compact(from, from + count), 'compact')
}

/** The pool of huge pages; nothing before the first address space, unless the box was made with some. */
export function hugetlb(source: MachineSource<unknown>): HugetlbCounts {
  const found = source.native.hugetlb()
  if (typeof found === 'object') return Object.freeze({ ...found })
  if (errnoName(found) === 'EBADF') return Object.freeze({ pages: 0, free: 0, reserved: 0 })
  throw kernelError(found, 'hugetlb', 'the box')
}
