import { createWriteStream } from 'node:fs'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { BuildReport, ExportSpec } from '../../../src/build/contract.ts'
import { composeEngine } from '../../../src/gantryd/compose.ts'
import { resolveConfig } from '../../../src/gantryd/config.ts'
import { createLog } from '../../../src/gantryd/log.ts'

/**
 * One build by the engine's own interface, with what only clients with BuildKit can ask for: secrets, agents, exporters. Reads the request
 * from standard input, writes the result to standard output. To be run in a network host, while no daemon has the data root.
 */
export interface EngineBuild {
  flags: Record<string, string>
  dockerfile: string
  context?: string
  secrets?: Record<string, string>
  ssh?: Record<string, string>
  exports?: { type: ExportSpec['type']; attributes?: Record<string, string>; to?: string }[]
  sourceDateEpoch?: number
  noCache?: boolean
  entitlements?: string[]
}

export interface EngineBuilt {
  imageId?: string
  error?: string
  log: string
  /** Names of vertices that came from the cache. */
  cached: string[]
  names: string[]
}

const request = JSON.parse(await text(process.stdin)) as EngineBuild
const built: EngineBuilt = { log: '', cached: [], names: [] }
const report: BuildReport = {
  vertex: ({ name, cached, completed }) => {
    if (completed === undefined) return
    built.names.push(name)
    if (cached) built.cached.push(name)
  },
  status: () => {},
  log: ({ data }) => (built.log += Buffer.from(data).toString()),
  warning: () => {},
}
const config = resolveConfig(new Map(Object.entries(request.flags)))
const engine = await composeEngine(config, createLog({ level: 'error', format: 'text' }))
try {
  const { imageId } = await engine.build.build(
    {
      dockerfile: { text: request.dockerfile, name: 'Dockerfile' },
      ...(request.context !== undefined && { context: { root: request.context } }),
      namedContexts: new Map(),
      platforms: [],
      buildArgs: {},
      labels: {},
      annotations: {},
      noCache: request.noCache ?? false,
      pull: false,
      secret: async (id) => (request.secrets?.[id] === undefined ? undefined : Buffer.from(request.secrets[id])),
      ssh: async (id) => request.ssh?.[id],
      credentials: async () => undefined,
      run: { network: 'default', extraHosts: [], ulimits: [] },
      cacheFrom: [],
      cacheTo: [],
      exports: (request.exports ?? [{ type: 'image' }]).map(({ type, attributes = {}, to }) => ({ type, attributes, ...(to !== undefined && { output: async (stream) => await pipeline(stream, createWriteStream(to)) }) })),
      attestations: {},
      ...(request.sourceDateEpoch !== undefined && { sourceDateEpoch: request.sourceDateEpoch }),
      entitlements: request.entitlements ?? [],
      checkOnly: false,
    },
    report,
    new AbortController().signal,
  )
  if (imageId !== undefined) built.imageId = imageId
} catch (error) {
  built.error = error instanceof Error ? error.message : String(error)
} finally {
  await engine.close()
}
process.stdout.write(JSON.stringify(built))
