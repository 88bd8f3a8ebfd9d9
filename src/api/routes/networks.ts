import type { Call } from '../call.ts'
import type { Route } from '../route.ts'
import { notImplemented } from '../route.ts'

export const networkRoutes: Route[] = [
  { method: 'GET', path: '/networks', handle: async (call) => call.json(await call.engine.networks.list(call.query.filters())) },
  { method: 'GET', path: '/networks/{name}', handle: inspect },
  notImplemented('POST', '/networks/create'),
  // Only networks that users made are pruned, and none can be made yet.
  { method: 'POST', path: '/networks/prune', handle: (call) => call.json({ NetworksDeleted: null }) },
  notImplemented('POST', '/networks/{name}/connect'),
  notImplemented('POST', '/networks/{name}/disconnect'),
  notImplemented('DELETE', '/networks/{name}'),
]

async function inspect(call: Call): Promise<void> {
  call.json(await call.engine.networks.inspect(call.ref, { verbose: call.query.bool('verbose'), scope: call.query.optional('scope') }))
}
