/**
 * pagebox: ways to keep page pin counts inside Linux page descriptors, compared on real memory.
 *
 * @module
 */
export { PageboxError, errorCodes, type ErrorCode, type ErrorDetails } from './errors.ts'
export { layouts } from './page/layouts.ts'
export { importBtf, type ImportBtfOptions } from './btf/importBtf.ts'
export { toLayoutDeclaration, type LayoutDeclaration, type Unsayable } from './btf/declaration.ts'
export type {
  DescribedType,
  DescriptorField,
  Doubt,
  FlagOfKernel,
  ForeignPageType,
  HighWidths,
  KernelDescriptor,
  UnknownName,
} from './btf/description.ts'
export { decodeWords, decodeWords as decode, type DecodeOptions } from './pins/decodeWords.ts'
export {
  decodeBareWords,
  type DecodedLog,
  decodeLog,
  LogDecoder,
  dumpTypes,
  type LogOptions,
  type LogWarning,
} from './dump/decodeLog.ts'
export type * from './dump/types.ts'
export type { PageOwner } from './dump/rawDump.ts'
export { schemes } from './pins/schemes.ts'
export { quirks, type QuirkInfo } from './pins/quirks.ts'
export type { BehaviourOptions } from './pins/behaviour.ts'
export { type KernelRule, kernelRules, type RuleSet, ruleSets } from './page/rules.ts'
export { defineConfig, type PageboxConfig } from './pins/config.ts'
export { probe, room, roomMatrix } from './pins/room.ts'
export { Box } from './engine/box.ts'
export { Mm } from './mm/mm.ts'
export { Mapping } from './mm/mapping.ts'
export { PinnedPages, ReferencedPages } from './mm/heldPages.ts'
export { PageFile } from './mm/pageFile.ts'
export { Device } from './zone_device/device.ts'
export { DaxDevice } from './zone_device/daxDevice.ts'
export { DaxFile } from './zone_device/daxFile.ts'
export { P2pdma } from './zone_device/p2pdma.ts'
export { Snapshot } from './zone_device/snapshot.ts'
export { race } from './engine/race.ts'
export { explore } from './engine/scenario/exploreScenario.ts'
export { run } from './engine/scenario/runScenario.ts'
export { replay } from './engine/explore/replay.ts'
export { shrink } from './engine/explore/shrink.ts'
export type * from './engine/explore/replayTypes.ts'
export { zoo, zooEntry, zooOmissions } from './zoo/entries.ts'
export { runZooEntry } from './zoo/runZooEntry.ts'
export type * from './zoo/zooTypes.ts'
export { OpList, ScenarioBuilder, scenario } from './engine/scenario/builder.ts'
export type * from './engine/scenario/builderTypes.ts'
export type * from './engine/scenario/scenarioTypes.ts'
export { measureCost, prepareCost } from './engine/cost.ts'
export { exploreSchemes } from './engine/explore/exploreSchemes.ts'
export type {
  ExploreSchemesOptions,
  ExploreSchemesResult,
  ProgramFinding,
  ProgramOp,
  ProgramShape,
  SchemeExploration,
  SchemesProgress,
} from './engine/explore/exploreSchemesTypes.ts'
export { explorePins } from './engine/explorePins.ts'
export type { ExplorePinsOptions, ExploreResult, Violation } from './engine/explorePinsTypes.ts'
export { compare, compareWithBaseline } from './compare/api.ts'
export type {
  BaselineOptions,
  BaselineReport,
  CompareDocument,
  CompareOptions,
  CompareProgress,
  CompareResult,
  CostRow,
  Difference,
  Effort,
  Interval,
  LimitRow,
  RoomChange,
  SchemeEntry,
} from './compare/api.ts'
export { search } from './search/search.ts'
export type * from './search/types.ts'
export {
  mergeShards,
  parseShard,
  readShardDocument,
  readShardRequest,
  runShard,
  shardRequest,
  usefulShards,
} from './shards/shards.ts'
export type * from './shards/types.ts'
export { pageTypes, version } from './facts.ts'
export type * from './page/layout.ts'
export type * from './page/lru.ts'
export type { DecodedPage, FieldValue, Page } from './page/page.ts'
export type * from './pins/scheme.ts'
export type * from './pins/pins.ts'
export type { DirectPins, DirectWindow } from './pins/direct.ts'
export type * from './mm/mmTypes.ts'
export type { FileKind, FileOptions, OpenFileOptions } from './mm/pageFile.ts'
export type {
  DeviceIo,
  DeviceOptions,
  DeviceRead,
  DeviceType,
  Migration,
} from './zone_device/device.ts'
export type { DaxKind, DaxOptions } from './zone_device/daxDevice.ts'
export type { P2pdmaOptions } from './zone_device/p2pdma.ts'
export type { DeviceMapOptions, MemoryDevice, PageHolder } from './zone_device/memoryDevice.ts'
export type { BoxFile } from './mm/boxFile.ts'
export type { SnapshotText } from './zone_device/snapshot.ts'
export type * from './engine/boxTypes.ts'
export type { AuditReport } from './engine/audit.ts'
export type { AuditPlace, AuditRow } from './engine/auditRow.ts'
export type { LongCallOptions, Progress } from './engine/poll.ts'
export type * from './engine/raceTypes.ts'
export type * from './engine/costTypes.ts'
