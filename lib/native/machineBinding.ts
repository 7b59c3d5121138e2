/*
 * What a box's machine offers: address spaces, pages handed out by GUP, files and devices, each named
 * by a number that is never used again. A number as result is a status, as everywhere in the addon.
 */
import type { NativeFailure, Status } from './callTypes.ts'

export type NativeMade = { id: number } | NativeFailure | number

/** Where an access stopped: pages, words or bytes done before. */
export interface NativeStop {
  index: number
  status: number
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
}

export interface NativeIo {
  bytes: number
  status: number
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
  status: number
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

export interface NativeMachine {
  createMm(): NativeMade
  forkMm(mm: number): NativeMade
  closeMm(mm: number): Status
  /** `backing`: 0 anonymous, 1 a file, 2 a device, 3 huge pages of the pool. */
  mmap(
    mm: number,
    chosen: boolean,
    address: bigint,
    pages: number,
    prot: number,
    shared: boolean,
    backing: number,
    object: number,
    filePage: number,
  ): bigint | number
  /** 0 munmap, 1 mprotect, 2 mlock, 3 munlock, 4 madvise. */
  rangeCall(call: number, mm: number, address: bigint, pages: number, argument: number): Status
  mremap(mm: number, from: bigint, pages: number, chosen: boolean, to: bigint): bigint | number
  clearRefs(mm: number): Status
  load(mm: number, address: bigint): bigint | number
  store(mm: number, address: bigint, value: bigint): Status
  userWords(mm: number, address: bigint, stride: number, words: BigUint64Array, writes: boolean): NativeStop | Status
  userBytes(mm: number, address: bigint, bytes: Uint8Array, writes: boolean): NativeStop | Status
  /** Five numbers a page: state, bits, mapcount or -1, flags or -1, pfn or -1. */
  pagemap(mm: number, address: bigint, pages: number, out: Float64Array): Status
  vmas(mm: number): NativeVma[] | number
  reclaim(pages: number): { pages: number } | number
  compact(first: number, end: number): { pages: number } | number
  drainLru(): Status
  hugetlb(): { pages: number; free: number; reserved: number } | number

  /** `how`: 1 pin, 2 write, 4 long-term, 8 fast, 16 force, 32 peer-to-peer memory too. */
  takePages(
    mm: number,
    address: bigint,
    pages: number,
    how: number,
  ): { id: number; pfns: Uint32Array } | NativeStop | number
  giveBackPages(pages: number): Status
  frameBytes(pages: number, offset: number, bytes: Uint8Array, writes: boolean): Status

  createFile(pages: number, onDisk: boolean): NativeMade
  openFile(
    path: string,
    direct: boolean,
    create: boolean,
    truncate: boolean,
  ): { id: number; direct: boolean; pages: number } | NativeFailure | number
  closeFile(file: number): Status
  filePages(file: number): { pages: number } | number
  syncFile(file: number): Status
  truncateFile(file: number, pages: number): Status
  /** 0 read, 1 write, 2 read past the page cache. */
  fileBytes(call: number, file: number, page: number, bytes: Uint8Array): NativeIo | number
  /** 0 read, 1 write, 2 direct read, 3 direct write. */
  userIo(call: number, mm: number, address: bigint, pages: number, file: number, page: number): NativeIo | number

  addDevice(type: string, pages: number, name: string): NativeDevice | NativeFailure | number
  listDevices(): NativeDevice[] | number
  removeDevice(device: number): { status: number; holders: NativeHolder[] } | Status
  releaseDevice(device: number): { status: number; holders: NativeHolder[] } | Status
  deviceState(device: number): { freePages: number; holders: NativeHolder[] } | number
  createDaxFile(device: number, pages: number): NativeMade
  /** A block that is in use, and nothing but mappings was changed. */
  truncateDaxFile(file: number, pages: number): { pfn: number } | Status
  daxBusyPage(file: number, first: number): { pfn?: number } | number
  openDevice(device: number, mm: number): Status
  closeDevice(device: number, mm: number): Status
  deviceIsOpen(device: number, mm: number): boolean | number
  /** 0 read, 1 write, 2 to the device, 3 to the system, 4 exclusive, 5 snapshot. */
  deviceIo(
    call: number,
    device: number,
    mm: number,
    address: bigint,
    pages: number,
    bytes: Uint8Array,
  ): NativeDeviceIo | number
  checkExclusive(device: number, mm: number, address: bigint, pages: number): Status
}
