import type { Call } from '../call.ts'
import type { Route } from '../route.ts'
import { connectNetwork, createNetwork, disconnectNetwork } from '../shapes.ts'

export const networkRoutes: Route[] = [
  { method: 'GET', path: '/networks', handle: async (call) => call.json(await call.engine.networks.list(call.query.filters())) },
  { method: 'GET', path: '/networks/{name}', handle: inspect },
  { method: 'POST', path: '/networks/create', handle: create },
  { method: 'POST', path: '/networks/prune', handle: async (call) => call.json(await call.engine.networks.prune(call.query.filters())) },
  { method: 'POST', path: '/networks/{name}/connect', handle: connect },
  { method: 'POST', path: '/networks/{name}/disconnect', handle: disconnect },
  { method: 'DELETE', path: '/networks/{name}', handle: remove },
]

async function inspect(call: Call): Promise<void> {
  call.json(await call.engine.networks.inspect(call.ref, { verbose: call.query.bool('verbose'), scope: call.query.optional('scope') }))
}

/** Whether a network has IPv4 is a choice since API 1.48. */
async function create(call: Call): Promise<void> {
  const request = await call.readJson(createNetwork, { required: true })
  if (call.minor < 48) delete request.EnableIPv4
  call.json(await call.engine.networks.create(request), 201)
}

async function connect(call: Call): Promise<void> {
  const { Container = '', EndpointConfig = {} } = await call.readJson(connectNetwork, { required: true })
  await call.engine.networks.connect(call.ref, { container: Container, settings: EndpointConfig })
  call.empty(200)
}

async function disconnect(call: Call): Promise<void> {
  const { Container = '', Force = false } = await call.readJson(disconnectNetwork, { required: true })
  await call.engine.networks.disconnect(call.ref, { container: Container, force: Force })
  call.empty(200)
}

async function remove(call: Call): Promise<void> {
  await call.engine.networks.remove(call.ref)
  call.empty()
}
