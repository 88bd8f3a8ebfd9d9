import { PassThrough } from 'node:stream'
import type { Readable } from 'node:stream'
import { statusResponse } from '../../lib/buildkit/control-messages.ts'
import type { SolveRequest } from '../../lib/buildkit/control-messages.ts'
import { GantryError } from '../../lib/errors.ts'
import type { BuildHistory } from './build-history.ts'
import type { Jobs } from './jobs.ts'
import type { Sessions } from './sessions.ts'
import { solve } from './solve-job.ts'
import type { SolveRoom } from './solve-job.ts'

/** What POST /build?version=2 asks for: the request of Control.Solve. */
export interface RequestBuild {
  /** Chosen by the client; "" where it has chosen none. */
  id: string
  session: string
  attributes: Record<string, string>
  exporters: { type: string; attributes: Record<string, string> }[]
  cacheImports: { type: string; attributes: Record<string, string> }[]
  cacheExports: { type: string; attributes: Record<string, string> }[]
  entitlements: string[]
  /** The context is an archive that another request brings. */
  uploaded: boolean
}

/** A client's trace: a StatusResponse. */
export type Trace = { trace: Buffer } | { imageId: string }

/** How clients of API 1.39 on build without a connection to /grpc: a request with an open session, whose answer is the status. */
export class RequestBuilds {
  readonly #parts: { jobs: Jobs; sessions: Sessions; room: SolveRoom; history: BuildHistory }
  readonly #uploads = new Map<string, PromiseWithResolvers<Readable>>()

  constructor(parts: { jobs: Jobs; sessions: Sessions; room: SolveRoom; history: BuildHistory }) {
    this.#parts = parts
  }

  async build(build: RequestBuild, tell: (message: Trace) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { jobs, sessions, room, history } = this.#parts
    const request: SolveRequest = {
      ref: build.id === '' ? build.session : build.id,
      definition: new Uint8Array(0),
      deprecatedExporter: '',
      deprecatedExporterAttributes: {},
      session: build.session,
      frontend: 'dockerfile.v0',
      frontendAttributes: build.attributes,
      cache: { deprecatedExportRef: '', deprecatedImportRefs: [], deprecatedExportAttributes: {}, exports: build.cacheExports, imports: build.cacheImports },
      entitlements: build.entitlements,
      internal: false,
      exporters: build.exporters,
    }
    const job = jobs.begin(request)
    const end = history.begin(request, job.status)
    let ending: Parameters<typeof end>[0] = {}
    const told = (async () => {
      for await (const status of job.status.read(signal)) await tell({ trace: statusResponse.encode(status) })
    })()
    told.catch(() => {})
    const all = AbortSignal.any([signal, job.controller.signal])
    try {
      const session = await sessions.get(build.session, signal)
      const archive = build.uploaded ? await this.#upload(build.id).promise : undefined
      const { exported } = await solve({ room, request, session, status: job.status, signal: all, ...(archive && { archive }) }, { attributes: build.attributes })
      ending = { response: exported }
      jobs.finish(job)
      await told
      const imageId = exported['containerimage.config.digest']
      if (imageId !== undefined) await tell({ imageId })
    } catch (error) {
      ending = { error }
      throw error
    } finally {
      jobs.finish(job)
      end(ending)
      await told
      this.#uploads.delete(build.id)
    }
  }

  /** The archive of a build whose context is uploaded; settles when it has been taken. */
  async upload(id: string, body: Readable): Promise<void> {
    const through = new PassThrough()
    const taken = new Promise<void>((resolve, reject) => {
      through.once('close', resolve)
      body.once('error', reject)
    })
    body.pipe(through)
    this.#upload(id).resolve(through)
    await taken
  }

  cancel(id: string): boolean {
    return this.#parts.jobs.cancel(id)
  }

  #upload(id: string): PromiseWithResolvers<Readable> {
    const found = this.#uploads.get(id)
    if (found !== undefined) return found
    if (this.#uploads.size > 100) throw new GantryError('TooManyRequests', 'too many uploads are waiting for their builds')
    const created = Promise.withResolvers<Readable>()
    created.promise.catch(() => {})
    this.#uploads.set(id, created)
    return created
  }
}
