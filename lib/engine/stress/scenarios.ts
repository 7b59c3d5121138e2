import type { PinOp } from '../raceTypes.ts'

/** A named mix of pin operations that threads run against each other. */
export interface PinScenario {
  readonly name: string
  readonly summary: string
  readonly mix: Readonly<Partial<Record<PinOp, number>>>
}

export const pinScenarios: readonly PinScenario[] = [
  {
    name: 'pins',
    summary: 'every thread pins and unpins; nothing else touches the pages',
    mix: { 'pin+unpin': 1 },
  },
  {
    name: 'pins-and-references',
    summary: 'pins among plain references, which a fuzzy scheme can mistake for pins',
    mix: { 'pin+unpin': 4, 'get+put': 4, maybe_pinned: 1 },
  },
  {
    name: 'pins-against-reclaim',
    summary: 'pins against LRU isolation and putback, which overlays on the list words must survive',
    mix: { 'pin+unpin': 8, 'isolate+putback': 4, maybe_pinned: 1 },
  },
  {
    name: 'open-pins',
    summary: 'pins that stay open until another operation gives them back, so that counts grow',
    mix: { pin: 4, unpin: 4, maybe_pinned: 1 },
  },
  {
    name: 'fast-and-slow',
    summary: 'fast GUP against slow GUP: speculative grabs, and pins of referenced pages',
    mix: { 'try_pin_speculative+unpin': 4, 'pin_referenced+unpin': 4, 'get+put': 1 },
  },
]
