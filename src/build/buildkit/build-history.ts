import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { historyEventType, historyRecord, statusResponse } from '../../lib/buildkit/control-messages.ts'
import type { HistoryRecord, SolveRequest, StatusResponse } from '../../lib/buildkit/control-messages.ts'
import { messageOf } from '../../lib/errors.ts'
import { GrpcError, grpcCode } from '../../lib/grpc/status.ts'
import type { BuildStatus } from './build-status.ts'

/** Builds that are kept, unless they are pinned: BuildKit's numbers. */
const maxKept = 50
const maxAgeMilliseconds = 48 * 60 * 60 * 1000

export interface HistoryEvent {
  type: number
  record: HistoryRecord
}

type Listener = (event: HistoryEvent) => void

/**
 * What builds were asked for and how they went, in `<root>/<ref>.record` and `<ref>.status`. The status is kept as it was told: secrets are in
 * neither, what steps print is.
 */
export class BuildHistory {
  readonly #root: string
  readonly #active = new Map<string, HistoryRecord>()
  readonly #done = new Map<string, HistoryRecord>()
  readonly #listeners = new Set<Listener>()

  constructor(root: string) {
    this.#root = root
    mkdirSync(root, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(root)) {
      if (!name.endsWith('.record')) continue
      try {
        const record = historyRecord.decode(readFileSync(join(root, name)))
        this.#done.set(record.ref, record)
      } catch {
        // A record that a power cut has spoiled is one build less to look at.
        rmSync(join(root, name), { force: true })
      }
    }
    this.#trim()
  }

  /** @returns what writes down how it went */
  begin({ ref, frontend, frontendAttributes, exporters, deprecatedExporter, deprecatedExporterAttributes }: SolveRequest, status: BuildStatus): (end: { response?: Record<string, string>; error?: unknown }) => void {
    const named = exporters.length > 0 || deprecatedExporter === '' ? exporters : [{ type: deprecatedExporter, attributes: deprecatedExporterAttributes }]
    const record = historyRecord.decode(historyRecord.encode({ ref, frontend, frontendAttributes, exporters: named, createdAt: Date.now(), generation: 1 }))
    this.#active.set(ref, record)
    this.#tell({ type: historyEventType.started, record })
    return ({ response, error }) => {
      this.#active.delete(ref)
      const { total, completed, cached } = status.counts
      const failure = error === undefined ? undefined : error instanceof GrpcError ? error : new GrpcError(grpcCode.unknown, messageOf(error))
      const ended: HistoryRecord = {
        ...record,
        completedAt: Date.now(),
        exporterResponse: response ?? {},
        error: failure && { code: failure.code, message: failure.message, details: [...failure.details] },
        totalSteps: total,
        completedSteps: completed,
        cachedSteps: cached,
        warnings: status.messages.reduce((sum, { warnings }) => sum + warnings.length, 0),
        generation: 2,
      }
      this.#write(`${fileName(ref)}.status`, gzipSync(Buffer.concat(status.messages.flatMap((message) => framed(statusResponse.encode(message))))))
      this.#put(ended)
      this.#tell({ type: historyEventType.complete, record: ended })
      this.#trim()
    }
  }

  /** Those under way first, then the youngest before the others. */
  list({ ref = '', activeOnly = false, limit = 0 }: { ref?: string; activeOnly?: boolean; limit?: number } = {}): HistoryEvent[] {
    const events = [
      ...[...this.#active.values()].map((record) => ({ type: historyEventType.started, record })),
      ...(activeOnly ? [] : [...this.#done.values()].map((record) => ({ type: historyEventType.complete, record }))),
    ]
    const wanted = events.filter(({ record }) => ref === '' || record.ref === ref).toSorted((one, other) => one.type - other.type || (other.record.createdAt ?? 0) - (one.record.createdAt ?? 0))
    return limit > 0 ? wanted.slice(0, limit) : wanted
  }

  /** What a build that is over has told; undefined when there is none of that name. */
  status(ref: string): StatusResponse[] | undefined {
    const file = join(this.#root, `${fileName(ref)}.status`)
    if (!this.#done.has(ref) || !existsSync(file)) return undefined
    const bytes = gunzipSync(readFileSync(file))
    const messages: StatusResponse[] = []
    for (let at = 0; at + 4 <= bytes.length; ) {
      const end = at + 4 + bytes.readUInt32LE(at)
      messages.push(statusResponse.decode(bytes.subarray(at + 4, end)))
      at = end
    }
    return messages
  }

  /** @throws GrpcError NotFound */
  update({ ref, pinned, delete: removed }: { ref: string; pinned: boolean; delete: boolean }): void {
    const record = this.#done.get(ref)
    if (record === undefined) throw new GrpcError(5, `failed to load history record ${ref}: not found`)
    if (removed) this.#remove(record)
    else {
      const changed = { ...record, pinned, generation: record.generation + 1 }
      this.#put(changed)
      this.#tell({ type: historyEventType.complete, record: changed })
    }
  }

  /** What happens from now on. @returns what ends it */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #put(record: HistoryRecord): void {
    this.#write(`${fileName(record.ref)}.record`, historyRecord.encode(record))
    this.#done.set(record.ref, record)
  }

  #write(name: string, bytes: Uint8Array): void {
    const path = join(this.#root, name)
    writeFileSync(`${path}.new`, bytes, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }

  #remove(record: HistoryRecord): void {
    this.#done.delete(record.ref)
    for (const kind of ['record', 'status']) rmSync(join(this.#root, `${fileName(record.ref)}.${kind}`), { force: true })
    this.#tell({ type: historyEventType.deleted, record })
  }

  #trim(): void {
    const loose = [...this.#done.values()].filter(({ pinned }) => !pinned).toSorted((one, other) => (other.createdAt ?? 0) - (one.createdAt ?? 0))
    for (const [at, record] of loose.entries()) if (at >= maxKept || Date.now() - (record.completedAt ?? 0) > maxAgeMilliseconds) this.#remove(record)
  }

  #tell(event: HistoryEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

/** References are chosen by clients. */
function fileName(ref: string): string {
  return Buffer.from(ref).toString('base64url').slice(0, 200)
}

function framed(bytes: Buffer): Buffer[] {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return [length, bytes]
}
