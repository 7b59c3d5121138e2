import type { AuditReport } from '../engine/audit.ts'
import type { BoxOptions, PageSetup } from '../engine/boxTypes.ts'
import type { CostOptions, CostSampler } from '../engine/costTypes.ts'
import type { Layout, PageType } from '../page/layout.ts'
import type { Pins } from '../pins/pins.ts'
import type { Probe, Room, RoomOptions, Scheme } from '../pins/scheme.ts'

/** The part of a box that a comparison needs. */
export interface SubjectBox {
  readonly pins: Pins
  setup(pfn: number, setup: PageSetup): void
  audit(): AuditReport
  close(): void
}

/** What is compared: pagebox itself, or a stand-in for it in tests. */
export interface Subject {
  readonly version: string
  readonly schemes: readonly Scheme[]
  readonly layouts: readonly Layout[]
  readonly pageTypes: readonly PageType[]
  room(options: RoomOptions): Room
  probe(options: RoomOptions): Probe
  prepareCost(options: CostOptions): CostSampler
  createBox(options: BoxOptions): SubjectBox
  /** What was declared, of a scheme that is not built in. */
  definition?(scheme: Scheme): Record<string, unknown> | undefined
}
