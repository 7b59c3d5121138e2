import type { RandomScenario } from './scenarioTypes.ts'

/** Named mixes of operations on address spaces and devices. The last thread is the chaos thread. */
export const opScenarios: readonly (RandomScenario & { summary: string })[] = [
  {
    name: 'mm',
    summary:
      'three threads map, fault, fork, pin and do I/O in four address spaces; a fourth pages out, compacts, writes back and forks',
    mixes: [{ mm: 1 }, { mm: 1 }, { mm: 1 }, { chaos: 1 }],
    processes: 4,
  },
  {
    name: 'devices',
    summary:
      'pages migrate to four devices and back while other threads fault, pin and fork, and a fourth pages out and compacts',
    mixes: [{ touch: 1 }, { device: 1 }, { touch: 1, device: 1 }, { chaos: 1 }],
    processes: 3,
  },
  {
    name: 'pins-against-migration',
    summary: 'pins of every kind against compaction, pageout and migration to devices',
    mixes: [
      { pin: 4, unpin: 4, gup: 2, store: 2, load: 1 },
      { compact: 1, pageout: 2, migrate_to_dev: 3, migrate_to_sys: 1, dev_write: 2 },
    ],
    processes: 1,
    buffers: 2,
    pagesEach: 64,
  },
  {
    name: 'removal',
    summary: 'the memory of devices is taken away while it is faulted, pinned, migrated to and forked',
    mixes: [
      { touch: 1 },
      { migrate_to_dev: 4, dev_write: 2, exclusive: 1 },
      { release: 2, close_dev: 1, fork: 1, exit: 1 },
    ],
    processes: 2,
    buffers: 3,
  },
]
