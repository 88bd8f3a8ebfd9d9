import type { Call } from '../call.ts'
import { diskUsageFor, infoFor } from '../older-answers.ts'
import type { Route } from '../route.ts'
import { maxApiVersion, minApiVersion } from '../version.ts'

export const systemRoutes: Route[] = [
  { method: 'GET', path: '/_ping', handle: ping },
  { method: 'HEAD', path: '/_ping', handle: ping },
  { method: 'GET', path: '/version', handle: version },
  { method: 'GET', path: '/info', handle: async (call) => call.json(infoFor(call.minor, await call.engine.system.info())) },
  { method: 'GET', path: '/system/df', handle: diskUsage },
]

/** Builder-Version 2 tells clients that BuildKit's border is here; the feature "buildkit" switched off sends them to the classic one. */
function ping(call: Call): void {
  const { response } = call
  response.writeHead(200, {
    'Builder-Version': call.engine.system.features()['buildkit'] === false ? '1' : '2',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Swarm: 'inactive',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': call.request.method === 'HEAD' ? 0 : 2,
  })
  response.end(call.request.method === 'HEAD' ? undefined : 'OK')
}

function version(call: Call): void {
  const api = { ApiVersion: maxApiVersion, MinAPIVersion: minApiVersion }
  const document = call.engine.system.version()
  const components = (document['Components'] ?? []) as { Name: string; Details?: Record<string, string> }[]
  call.json({
    ...document,
    Components: components.map((part) => (part.Name === 'Engine' ? { ...part, Details: { ...part.Details, ...api } } : part)),
    ...api,
  })
}

async function diskUsage(call: Call): Promise<void> {
  // Choosing came with API 1.42.
  call.json(diskUsageFor(call.minor, await call.engine.system.diskUsage(call.minor < 42 ? [] : call.query.strings('type'))))
}
