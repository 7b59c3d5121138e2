import type { House } from './doors.ts'

/** What is written in C++. The tests stand beside the house: they may open any door. */
export const native: House = {
  folder: 'native/',
  standsOn: {
    base: [],
    page: ['base'],
    pins: ['page'],
    mm: ['pins'],
    zone_device: ['mm'],
    engine: ['zone_device'],
    explore: ['engine'],
    live: ['engine'],
    addon: ['explore', 'live'],
  },
}

/** What is written in TypeScript. */
export const lib: House = {
  folder: 'lib/',
  standsOn: {
    'errors.ts': [],
    base: ['errors.ts'],
    native: ['base'],
    page: ['native'],
    pins: ['page'],
    btf: ['page'],
    dump: ['pins', 'btf'],
    mm: ['pins'],
    zone_device: ['mm'],
    engine: ['zone_device'],
    'facts.ts': ['page'],
    zoo: ['engine'],
    compare: ['engine', 'facts.ts'],
    search: ['compare'],
    shards: ['search', 'zoo'],
    'index.ts': ['shards', 'btf', 'dump'],
    vitest: ['engine'],
    'assert.ts': ['vitest'],
    report: ['search'],
    fleet: ['shards'],
    cli: ['index.ts', 'report', 'fleet'],
  },
}

/**
 * Two classes that have each other in their public face (`mm.mmap()` is a mapping, `mapping.mm` an address space):
 * the second file may name the type of the first. Nothing is left of that when the program runs.
 */
export const knowEachOther: readonly (readonly [from: string, to: string])[] = [
  ['lib/mm/mapping.ts', 'lib/mm/mm.ts'],
  ['lib/zone_device/daxFile.ts', 'lib/zone_device/daxDevice.ts'],
]
