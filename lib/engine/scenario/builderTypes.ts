// What the builder of a scenario takes and gives.

/** Memory of a scenario: the letter that is mapped at. */
export interface BufferHandle {
  readonly buf: string
  readonly pages: number
}
export interface DeviceHandle {
  readonly dev: number
}
export interface FileHandle {
  readonly file: number
}
/** A process other than the first. */
export interface ProcessHandle {
  readonly proc: string
}
export interface PinHandle {
  readonly id: number
  readonly proc?: string
}

/** In whose name; the first process by default. */
export interface Who {
  proc?: ProcessHandle
}
/** Which pages of a buffer; all by default. */
export interface Range extends Who {
  /** A number, or how it is chosen anew each time. */
  page?: number | 'sequential' | 'random' | 'zipf' | 'hot'
  n?: number
  /** Where the operation stops until somebody resumes it: `'pageout:written'`, as the vocabulary names the points. */
  stopAt?: string
}
/** Where something fails, and when. */
export interface FailSettings {
  /** Which call of this thread from now on: 1 is the next, and what there is otherwise. */
  nth?: number
  /** How many fail from there on; 1. 0: none, and what was asked for before is forgotten. */
  times?: number
}
/** A page: so far behind the first of those set up by hand, or what is mapped at one of a buffer. */
export type PageOf = PlacedPages | BufferHandle
/** Pages that {@link OpList.setUpPages} made. */
export interface PlacedPages {
  readonly pfn: number
  readonly pages: number
}
/** Which page, and how many pins or references of it at once. */
export interface PageSettings extends Who {
  /** A number from 0, or how it is chosen anew each time; 0 by default. */
  page?: number | 'sequential' | 'random' | 'zipf' | 'hot'
  n?: number
}
export interface MapSettings extends Who {
  pages: number
  /** `'anon-private'` by default. */
  kind?: string
  prot?: '' | 'r' | 'w' | 'rw'
  fill?: number
  file?: FileHandle
  device?: DeviceHandle
}
export interface PinSettings extends Range {
  via?: 'gup' | 'uring' | 'vmsplice'
  write?: boolean
  fast?: boolean
}
