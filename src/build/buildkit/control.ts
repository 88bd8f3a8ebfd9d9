import { Duplex } from 'node:stream'
import {
  bytesMessage, controlPath, diskUsageRequest, diskUsageResponse, historyEvent, historyRequest, infoResponse, listWorkersResponse, nothing, pruneRequest,
  solveRequest, solveResponse, statusRequest, statusResponse, updateHistoryRequest, usageRecord,
} from '../../lib/buildkit/control-messages.ts'
import type { UsageRecord } from '../../lib/buildkit/control-messages.ts'
import { grpcMethod } from '../../lib/grpc/server.ts'
import type { GrpcServices } from '../../lib/grpc/server.ts'
import { GrpcError, grpcCode } from '../../lib/grpc/status.ts'
import type { Builder, CacheRecordInfo } from '../contract.ts'
import type { BuildHistory, HistoryEvent } from './build-history.ts'
import type { Jobs } from './jobs.ts'
import type { Sessions } from './sessions.ts'
import { solve } from './solve-job.ts'
import type { SolveRoom } from './solve-job.ts'

export interface WorkerInfo {
  /** Names this engine, for good. */
  id: string
  platform: { architecture: string; os: string; variant?: string }
  /** The BuildKit whose API this is. */
  version: string
  /** Where "host-gateway" leads. */
  hostGateway?: () => string | undefined
}

export interface ControlRoom {
  jobs: Jobs
  sessions: Sessions
  room: SolveRoom
  worker: WorkerInfo
  history: BuildHistory
}

/** Service moby.buildkit.v1.Control. */
export function controlServices({ jobs, sessions, room, worker, history }: ControlRoom): GrpcServices {
  const { builder } = room
  const version = { package: 'github.com/moby/buildkit', version: worker.version, revision: '' }
  return {
    [controlPath.solve]: grpcMethod({
      request: solveRequest,
      response: solveResponse,
      async handle(call) {
        const request = await call.request()
        if (request.definition.length > 0) throw new GrpcError(grpcCode.unimplemented, 'LLB definitions are not supported: only front end dockerfile.v0')
        if (request.frontend !== '' && request.frontend !== 'dockerfile.v0') throw new GrpcError(grpcCode.unknown, `unknown frontend: ${request.frontend}`)
        const job = jobs.begin(request)
        const isBuild = !request.internal && !(request.frontendAttributes['requestid'] ?? '').startsWith('frontend.')
        const end = isBuild ? history.begin(request, job.status) : undefined
        let ending: Parameters<NonNullable<typeof end>>[0] = {}
        const abort = (): void => job.controller.abort()
        call.signal.addEventListener('abort', abort)
        try {
          if (request.frontend === '') {
            const exporterResponse = await Promise.race([job.returned.promise, aborted(job.controller.signal)])
            ending = { response: exporterResponse }
            return { exporterResponse }
          }
          const session = await sessions.get(request.session, call.signal)
          const solved = await solve({ room, request, session, status: job.status, signal: job.controller.signal }, { attributes: request.frontendAttributes })
          const texts = Object.fromEntries(Object.entries(solved.metadata).map(([name, value]) => [name, Buffer.from(value).toString()]))
          ending = { response: solved.exported }
          return { exporterResponse: { ...solved.exported, ...texts } }
        } catch (error) {
          ending = { error }
          throw error
        } finally {
          call.signal.removeEventListener('abort', abort)
          jobs.finish(job)
          end?.(ending)
        }
      },
    }),
    [controlPath.status]: grpcMethod({
      request: statusRequest,
      response: statusResponse,
      async *handle(call) {
        const { ref } = await call.request()
        const kept = jobs.has(ref) ? undefined : history.status(ref)
        if (kept !== undefined) {
          yield* kept
          return
        }
        const job = jobs.of(ref)
        await job.request
        yield* job.status.read(call.signal)
      },
    }),
    [controlPath.session]: grpcMethod({
      request: bytesMessage,
      response: bytesMessage,
      async *handle(call) {
        sessions.check(call.metadata['x-docker-expose-session-uuid']?.[0])
        const { connection, sent } = tunnel(call.requests)
        const session = sessions.open(connection, call.metadata)
        call.signal.addEventListener('abort', () => session.close())
        yield* sent
      },
    }),
    [controlPath.info]: grpcMethod({ request: nothing, response: infoResponse, handle: async () => ({ version }) }),
    [controlPath.listWorkers]: grpcMethod({
      request: nothing,
      response: listWorkersResponse,
      handle: async () => ({ record: [{ id: worker.id, labels: labelsOf(worker), platforms: [{ variant: '', ...worker.platform }], gcPolicy: [], version }] }),
    }),
    [controlPath.diskUsage]: grpcMethod({
      request: diskUsageRequest,
      response: diskUsageResponse,
      async handle(call) {
        const { filter } = await call.request()
        return { record: (await builder.usage(filtersOf(filter))).map(recordOf) }
      },
    }),
    [controlPath.prune]: grpcMethod({
      request: pruneRequest,
      response: usageRecord,
      async *handle(call) {
        yield* pruneCache(builder, await call.request(), () => room.contexts.forget())
      },
    }),
    [controlPath.listenBuildHistory]: grpcMethod({
      request: historyRequest,
      response: historyEvent,
      async *handle(call) {
        const { ref, activeOnly, earlyExit, limit } = await call.request()
        yield* history.list({ ref, activeOnly, limit })
        if (!earlyExit) yield* following(history, { ref, signal: call.signal })
      },
    }),
    [controlPath.updateBuildHistory]: grpcMethod({
      request: updateHistoryRequest,
      response: nothing,
      async handle(call) {
        history.update(await call.request())
        return {}
      },
    }),
  }
}

async function* following(history: BuildHistory, { ref, signal }: { ref: string; signal: AbortSignal }): AsyncGenerator<HistoryEvent, void, undefined> {
  const events: HistoryEvent[] = []
  let wake: (() => void) | undefined
  const stop = history.follow((event) => {
    if (ref === '' || event.record.ref === ref) events.push(event)
    wake?.()
  })
  const woken = (): void => wake?.()
  signal.addEventListener('abort', woken)
  try {
    while (!signal.aborted) {
      const next = events.shift()
      if (next !== undefined) yield next
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    stop()
    signal.removeEventListener('abort', woken)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new GrpcError(grpcCode.canceled, 'context canceled'))))
}

/** The label of the snapshotter tells clients that several platforms, archives and caches can be exported here. */
function labelsOf({ platform, hostGateway }: WorkerInfo): Record<string, string> {
  const gateway = hostGateway?.()
  return {
    'org.mobyproject.buildkit.worker.executor': 'gantry',
    'org.mobyproject.buildkit.worker.hostname': platform.os,
    'org.mobyproject.buildkit.worker.snapshotter': 'overlayfs',
    ...(gateway !== undefined && { 'org.mobyproject.buildkit.worker.moby.host-gateway-ip': gateway }),
  }
}

/** "key=value" or "key==value"; "key~=pattern" and "key!=value" go on as the values "~pattern" and "!value". Source: containerd's filters. */
function filtersOf(list: readonly string[]): Map<string, Set<string>> {
  const filters = new Map<string, Set<string>>()
  for (const filter of list.flatMap((text) => text.split(',')).filter((text) => text !== '')) {
    const match = /^([\w.-]+)\s*(==?|~=|!=)\s*(.*)$/.exec(filter)
    const [name, value] = match === null ? [filter, ''] : [match[1]!, match[2]!.replace(/=/g, '') + match[3]!.replace(/^"(.*)"$/, '$1')]
    filters.set(name, (filters.get(name) ?? new Set()).add(value))
  }
  return filters
}

async function* pruneCache(builder: Builder, request: { filter: string[]; all: boolean; keepDuration: bigint; reservedSpace: number; maxUsedSpace: number; minFreeSpace: number }, forget: () => void): AsyncGenerator<UsageRecord> {
  const filters = filtersOf(request.filter)
  if (request.keepDuration > 0n) filters.set('until', new Set([`${request.keepDuration / 1_000_000_000n}s`]))
  const before = new Map((await builder.usage()).map((record) => [record.ID, record]))
  const { reservedSpace: keepStorage, maxUsedSpace, minFreeSpace } = request
  const { CachesDeleted } = await builder.prune({ all: request.all, ...(keepStorage > 0 && { keepStorage }), ...(maxUsedSpace > 0 && { maxUsedSpace }), ...(minFreeSpace > 0 && { minFreeSpace }), filters })
  if (request.all && filters.size === 0 && keepStorage + maxUsedSpace + minFreeSpace === 0) forget()
  for (const id of CachesDeleted) {
    const record = before.get(id)
    if (record !== undefined) yield recordOf(record)
  }
}

function recordOf(record: CacheRecordInfo): UsageRecord {
  return {
    id: record.ID,
    mutable: record.Type === 'exec.cachemount' || record.Type === 'source.local',
    inUse: record.InUse,
    size: record.Size,
    parent: '',
    createdAt: Date.parse(record.CreatedAt),
    lastUsedAt: record.LastUsedAt === null ? undefined : Date.parse(record.LastUsedAt),
    usageCount: record.UsageCount,
    description: record.Description,
    recordType: record.Type,
    shared: record.Shared,
    parents: record.Parents,
  }
}

/** A connection inside of a call. */
function tunnel(requests: AsyncIterable<{ data: Uint8Array }>): { connection: Duplex; sent: AsyncIterable<{ data: Uint8Array }> } {
  const { readable, writable } = new TransformStream<{ data: Uint8Array }>(undefined, { highWaterMark: 16 })
  const writer = writable.getWriter()
  const incoming = requests[Symbol.asyncIterator]()
  const connection = new Duplex({
    read() {
      incoming.next().then(
        ({ value, done }) => this.push(done === true ? null : Buffer.from((value as { data: Uint8Array }).data)),
        (error: Error) => this.destroy(error),
      )
    },
    write(chunk: Buffer, _encoding, done) {
      writer.write({ data: chunk }).then(() => done(), done)
    },
    final(done) {
      writer.close().then(() => done(), done)
    },
    destroy(error, done) {
      writer.close().catch(() => {})
      done(error)
    },
  })
  return { connection, sent: readable as unknown as AsyncIterable<{ data: Uint8Array }> }
}
