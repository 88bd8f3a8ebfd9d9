import { bool, bytes, bytesList, int, int64, message, nested, repeated, string, stringList, stringMap, timestamp } from '../protobuf/message.ts'
import { statusMessage } from '../grpc/status.ts'
import type { Decoded } from '../protobuf/message.ts'

/** Messages of service moby.buildkit.v1.Control, those fields that are used here. Source: BuildKit's API, version 0.21. */

const position = message({ line: int(1), character: int(2) })
export const rangeMessage = message({ start: nested(1, position), end: nested(2, position) })
export const sourceInfoMessage = message({ filename: string(1), data: bytes(2), language: string(4) })

const platform = message({ architecture: string(1), os: string(2), variant: string(3) })
const buildkitVersion = message({ package: string(1), version: string(2), revision: string(3) })
const gcPolicy = message({ all: bool(1), keepDuration: int64(2), filters: stringList(4), reservedSpace: int(3), maxUsedSpace: int(5), minFreeSpace: int(6) })
const workerRecord = message({ id: string(1), labels: stringMap(2), platforms: repeated(3, platform), gcPolicy: repeated(4, gcPolicy), version: nested(5, buildkitVersion) })

const exporter = message({ type: string(1), attributes: stringMap(2) })
const cacheEntry = message({ type: string(1), attributes: stringMap(2) })
const cacheOptions = message({
  deprecatedExportRef: string(1),
  deprecatedImportRefs: stringList(2),
  deprecatedExportAttributes: stringMap(3),
  exports: repeated(4, cacheEntry),
  imports: repeated(5, cacheEntry),
})

export const solveRequest = message({
  ref: string(1),
  /** An LLB definition; only whether there is one matters. */
  definition: bytes(2),
  deprecatedExporter: string(3),
  deprecatedExporterAttributes: stringMap(4),
  session: string(5),
  frontend: string(6),
  frontendAttributes: stringMap(7),
  cache: nested(8, cacheOptions),
  entitlements: stringList(9),
  internal: bool(11),
  exporters: repeated(13, exporter),
})
export type SolveRequest = Decoded<typeof solveRequest>
export const solveResponse = message({ exporterResponse: stringMap(1) })

const vertex = message({
  digest: string(1),
  inputs: stringList(2),
  name: string(3),
  cached: bool(4),
  started: timestamp(5),
  completed: timestamp(6),
  error: string(7),
})
const vertexStatus = message({
  id: string(1),
  vertex: string(2),
  name: string(3),
  current: int(4),
  total: int(5),
  at: timestamp(6),
  started: timestamp(7),
  completed: timestamp(8),
})
const vertexLog = message({ vertex: string(1), at: timestamp(2), stream: int(3), data: bytes(4) })
const vertexWarning = message({
  vertex: string(1),
  level: int(2),
  short: bytes(3),
  detail: bytesList(4),
  url: string(5),
  info: nested(6, sourceInfoMessage),
  ranges: repeated(7, rangeMessage),
})
export const statusRequest = message({ ref: string(1) })
export const statusResponse = message({
  vertexes: repeated(1, vertex),
  statuses: repeated(2, vertexStatus),
  logs: repeated(3, vertexLog),
  warnings: repeated(4, vertexWarning),
})
export type StatusResponse = Decoded<typeof statusResponse>
export type StatusVertex = Decoded<typeof vertex>
export type StatusWarning = Decoded<typeof vertexWarning>

const usageRecord = message({
  id: string(1),
  mutable: bool(2),
  inUse: bool(3),
  size: int(4),
  parent: string(5),
  createdAt: timestamp(6),
  lastUsedAt: timestamp(7),
  usageCount: int(8),
  description: string(9),
  recordType: string(10),
  shared: bool(11),
  parents: stringList(12),
})
export { usageRecord }
export type UsageRecord = Decoded<typeof usageRecord>
export const diskUsageRequest = message({ filter: stringList(1) })
export const diskUsageResponse = message({ record: repeated(1, usageRecord) })
export const pruneRequest = message({ filter: stringList(1), all: bool(2), keepDuration: int64(3), reservedSpace: int(4), maxUsedSpace: int(5), minFreeSpace: int(6) })

export const listWorkersResponse = message({ record: repeated(1, workerRecord) })
export const infoResponse = message({ version: nested(1, buildkitVersion) })
export const nothing = message({})
export const historyRequest = message({ activeOnly: bool(1), ref: string(2), earlyExit: bool(3), filter: stringList(4), limit: int(5) })
export const bytesMessage = message({ data: bytes(1) })

const control = '/moby.buildkit.v1.Control'
export const controlPath = {
  solve: `${control}/Solve`,
  status: `${control}/Status`,
  session: `${control}/Session`,
  info: `${control}/Info`,
  listWorkers: `${control}/ListWorkers`,
  diskUsage: `${control}/DiskUsage`,
  prune: `${control}/Prune`,
  listenBuildHistory: `${control}/ListenBuildHistory`,
  updateBuildHistory: `${control}/UpdateBuildHistory`,
} as const

/** Builds that are over, and those under way. */
const descriptor = message({ mediaType: string(1), digest: string(2), size: int(3), annotations: stringMap(5) })
export const historyRecord = message({
  ref: string(1),
  frontend: string(2),
  frontendAttributes: stringMap(3),
  exporters: repeated(4, exporter),
  error: nested(5, statusMessage),
  createdAt: timestamp(6),
  completedAt: timestamp(7),
  logs: nested(8, descriptor),
  exporterResponse: stringMap(9),
  generation: int(12),
  pinned: bool(14),
  cachedSteps: int(15),
  totalSteps: int(16),
  completedSteps: int(17),
  warnings: int(19),
})
export type HistoryRecord = Decoded<typeof historyRecord>
export const historyEvent = message({ type: int(1), record: nested(2, historyRecord) })
export const historyEventType = { started: 0, complete: 1, deleted: 2 } as const
export const updateHistoryRequest = message({ ref: string(1), pinned: bool(2), delete: bool(3), finalize: bool(4) })
