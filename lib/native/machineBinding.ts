/*
 * What a box's machine offers: address spaces, pages handed out by GUP, files and devices, each named
 * by a number that is never used again. A number as result is a status, as everywhere in the addon.
 */
import type { NativeMade, NativeResult, NativeStatus, NativeStop, Status } from './callTypes.ts'

/** An object that was made. */
export interface NativeObject {
  id: number
}

export interface NativeVma {
  address: bigint
  pages: number
  flags: number
  file: boolean
  disk: boolean
  /** A driver's own mapping; so is a file's on a dax device. */
  device: boolean
  dax: boolean
  filePage: number
  /** Of `flags`, in words. */
  prot: 'none' | 'r' | 'w' | 'rw'
  shared: boolean
  locked: boolean
  hugetlb: boolean
}

/** What is to be mapped. */
export interface NativeMap {
  mm: number
  /** Left out: one is chosen. */
  address?: bigint
  pages: number
  prot: 'none' | 'r' | 'w' | 'rw'
  shared: boolean
  backing: 'anon' | 'file' | 'device' | 'hugetlb'
  /** The file or the device; 0: none. */
  object: number
  filePage: number
}

export interface NativeIo {
  bytes: number
  status: NativeStatus
}

export interface NativeHolder {
  pfn: number
  refcount: number
  mapcount: number
  maybePinned: boolean
}

export interface NativeDevice {
  id: number
  name: string
  type: string
  firstPfn: number
  pages: number
}

export interface NativeDeviceIo {
  status: NativeStatus
  pages: number
  faults: number
  /** Of a migration that was not complete: pages of the range in the device's memory now. */
  moved: number
}

/** What a handle had open when it was closed. */
export interface NativeLeft {
  mms: number
  files: number
  pinned: number[]
}

/** Between a file and bytes outside every address space. */
export type NativeFileCall = (file: number, page: number, bytes: Uint8Array) => NativeResult<NativeIo>
/** Between a file and a process's memory. */
export type NativeUserIo = (
  mm: number,
  address: bigint,
  pages: number,
  file: number,
  page: number,
) => NativeResult<NativeIo>
export type NativeDeviceCall = (
  device: number,
  mm: number,
  address: bigint,
  pages: number,
  bytes: Uint8Array,
) => NativeResult<NativeDeviceIo>

export interface NativeMachine {
  createMm(): NativeMade<NativeObject>
  forkMm(mm: number): NativeMade<NativeObject>
  closeMm(mm: number): Status
  mmap(request: NativeMap): NativeResult<bigint>
  munmap(mm: number, address: bigint, pages: number): Status
  mprotect(mm: number, address: bigint, pages: number, prot: string): Status
  mlock(mm: number, address: bigint, pages: number): Status
  munlock(mm: number, address: bigint, pages: number): Status
  madvise(mm: number, address: bigint, pages: number, advice: string): Status
  mremap(mm: number, from: bigint, pages: number, chosen: boolean, to: bigint): NativeResult<bigint>
  clearRefs(mm: number): Status
  load(mm: number, address: bigint): NativeResult<bigint>
  store(mm: number, address: bigint, value: bigint): Status
  userWords(mm: number, address: bigint, stride: number, words: BigUint64Array, writes: boolean): NativeStop | Status
  userBytes(mm: number, address: bigint, bytes: Uint8Array, writes: boolean): NativeStop | Status
  /** The numbers of `tables().pagemapWords` for each page; -1 where there is none. */
  pagemap(mm: number, address: bigint, pages: number, out: Float64Array): Status
  vmas(mm: number): NativeResult<NativeVma[]>
  reclaim(pages: number): NativeResult<{ pages: number }>
  compact(first: number, end: number): NativeResult<{ pages: number }>
  drainLru(): Status
  hugetlb(): NativeResult<{ pages: number; free: number; reserved: number }>

  /** `how`: bits of `tables().gupFlags`. */
  takePages(
    mm: number,
    address: bigint,
    pages: number,
    how: number,
  ): NativeResult<{ id: number; pfns: Uint32Array } | NativeStop>
  giveBackPages(pages: number): Status
  frameBytes(pages: number, offset: number, bytes: Uint8Array, writes: boolean): Status

  createFile(pages: number, onDisk: boolean): NativeMade<NativeObject>
  openFile(
    path: string,
    direct: boolean,
    create: boolean,
    truncate: boolean,
  ): NativeMade<{ id: number; direct: boolean; pages: number }>
  closeFile(file: number): Status
  filePages(file: number): NativeResult<{ pages: number }>
  syncFile(file: number): Status
  truncateFile(file: number, pages: number): Status
  readFile: NativeFileCall
  writeFile: NativeFileCall
  /** Past the page cache. */
  readFileDirect: NativeFileCall
  userRead: NativeUserIo
  userWrite: NativeUserIo
  userDirectRead: NativeUserIo
  userDirectWrite: NativeUserIo

  addDevice(type: string, pages: number, name: string): NativeMade<NativeDevice>
  listDevices(): NativeResult<NativeDevice[]>
  removeDevice(device: number): { status: number; holders: NativeHolder[] } | Status
  releaseDevice(device: number): { status: number; holders: NativeHolder[] } | Status
  deviceState(device: number): NativeResult<{ freePages: number; holders: NativeHolder[] }>
  createDaxFile(device: number, pages: number): NativeMade<NativeObject>
  /** A block that is in use, and nothing but mappings was changed. */
  truncateDaxFile(file: number, pages: number): { pfn: number } | Status
  daxBusyPage(file: number, first: number): NativeResult<{ pfn?: number }>
  openDevice(device: number, mm: number): Status
  closeDevice(device: number, mm: number): Status
  deviceIsOpen(device: number, mm: number): NativeResult<boolean>
  deviceRead: NativeDeviceCall
  deviceWrite: NativeDeviceCall
  migrateToDevice: NativeDeviceCall
  migrateToSystem: NativeDeviceCall
  deviceExclusive: NativeDeviceCall
  deviceSnapshot: NativeDeviceCall
  checkExclusive(device: number, mm: number, address: bigint, pages: number): Status
}
