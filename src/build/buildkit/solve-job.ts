import type { Readable } from 'node:stream'
import type { SolveRequest } from '../../lib/buildkit/control-messages.ts'
import { GantryError } from '../../lib/errors.ts'
import { GrpcError } from '../../lib/grpc/status.ts'
import type { Builder, BuildRequest, BuildResult, ExportSpec } from '../contract.ts'
import { buildFailure } from './build-failure.ts'
import type { BuildSession } from './build-session.ts'
import type { BuildStatus } from './build-status.ts'
import { loadDefinition } from './definition.ts'
import type { DefinitionRoom } from './definition.ts'
import { cacheSpec, readAttributes } from './solve-attributes.ts'
import { describeResult, lintResult, outlineResult, targetsResult } from './subrequests.ts'
import { withTarFiles } from './tar-files.ts'

export interface SolveRoom extends DefinitionRoom {
  builder: Builder
  /** A new path for a socket: short, because the kernel takes 107 bytes. */
  socketPath(): string
}

/** What a front end has answered: metadata, and what the exporters said. */
export interface Solved {
  metadata: Record<string, Uint8Array>
  exported: Record<string, string>
}

export interface SolveJob {
  room: SolveRoom
  request: SolveRequest
  session: BuildSession
  status: BuildStatus
  signal: AbortSignal
  /** The context, where the client sends it itself. */
  archive?: Readable
}

/** Does what front end "dockerfile.v0" is asked for: a build, or an answer about the Dockerfile. @throws GrpcError with the place */
export async function solve(job: SolveJob, { attributes, imports = [] }: { attributes: Record<string, string>; imports?: { type: string; attributes: Record<string, string> }[] }): Promise<Solved> {
  const cleanups: (() => Promise<void>)[] = []
  const { room, session, status, signal, archive } = job
  let isRead = false
  try {
    const requested = readAttributes(attributes)
    const definition = await loadDefinition({ room, session, attributes, status, signal, cleanups, ...(archive && { archive }) })
    const { dockerfile } = definition
    const about = attributes['requestid']
    if (about === 'frontend.subrequests.describe') return { metadata: describeResult(), exported: {} }
    if (about === 'frontend.targets') return { metadata: targetsResult(dockerfile.text), exported: {} }
    if (about === 'frontend.outline') return { metadata: outlineResult(dockerfile.text, requested.target), exported: {} }
    if (about !== undefined && about !== '' && about !== 'frontend.lint') throw new GrpcError(12, `unsupported request ${about}`)
    const checkOnly = about === 'frontend.lint'
    const request: BuildRequest = {
      ...requested,
      ...definition,
      ...(checkOnly && { platforms: requested.platforms.slice(0, 1) }),
      annotations: annotationsOf(job.request),
      secret: (id) => session.secret(id, signal),
      ssh: (id) => agentSocket(job, id, cleanups),
      credentials: (host) => session.credentials(host, signal),
      debug: onlyOnce((step) => session.debug(step, signal)),
      clientContent: (name) => session.content(name, signal),
      cacheFrom: [...requested.cacheFrom, ...imports.map(cacheSpec), ...(job.request.cache?.imports ?? []).map(cacheSpec)],
      cacheTo: (job.request.cache?.exports ?? []).map(cacheSpec),
      exports: checkOnly ? [] : exportsOf(job),
      entitlements: job.request.entitlements,
      checkOnly,
    }
    isRead = true
    const result = await room.builder.build(request, status, signal)
    if (checkOnly) return { metadata: lintResult(result.warnings, dockerfile), exported: {} }
    return { metadata: {}, exported: exportedOf(result) }
  } catch (error) {
    throw signal.aborted ? new GrpcError(1, 'context canceled') : buildFailure(error, status, { isRead })
  } finally {
    for (const cleanup of cleanups.toReversed()) await cleanup().catch(() => {})
  }
}

/** Of steps that fail at once the first has the terminal. */
function onlyOnce<In, Out>(act: (input: In) => Out): (input: In) => Out | undefined {
  let done = false
  return (input) => {
    if (done) return undefined
    done = true
    return act(input)
  }
}

function exportedOf(result: BuildResult): Record<string, string> {
  return { ...result.metadata, ...(result.imageId !== undefined && { 'containerimage.config.digest': result.imageId }) }
}

/** "annotation.KEY" and "annotation-manifest.KEY" of the exporters. */
function annotationsOf({ exporters }: SolveRequest): Record<string, string> {
  const found = Object.create(null) as Record<string, string>
  for (const { attributes } of exporters) {
    for (const [name, value] of Object.entries(attributes)) {
      const key = /^annotation(?:-manifest)?(?:\[[^\]]*\])?\.(.+)$/.exec(name)?.[1]
      if (key !== undefined) found[key] = value
    }
  }
  return found
}

async function agentSocket({ room, session, signal }: SolveJob, id: string, cleanups: (() => Promise<void>)[]): Promise<string | undefined> {
  if (!(await session.hasAgent(id, signal))) return undefined
  const path = room.socketPath()
  cleanups.push(await session.listenForAgent(id, path, signal))
  return path
}

function exportsOf({ room, request, session, signal }: SolveJob): ExportSpec[] {
  const named = request.exporters.length > 0 || request.deprecatedExporter === '' ? request.exporters : [{ type: request.deprecatedExporter, attributes: request.deprecatedExporterAttributes }]
  return named.map(({ type, attributes }, index) => {
    if (type === 'image' || type === 'moby') return { type: 'image', attributes }
    if (type === 'local') return { type, attributes, output: (stream) => withTarFiles(stream, room.scratch(), (files) => session.sendDirectory(index, files, signal)) }
    if (type !== 'docker' && type !== 'oci' && type !== 'tar') throw new GantryError('InvalidParameter', `exporter ${JSON.stringify(type)} could not be found`)
    if (attributes['tar'] === 'false' && type !== 'tar') return { type, attributes, content: session.content('export', signal) }
    return { type, attributes, output: (stream) => session.sendFile(index, stream, { signal }) }
  })
}
