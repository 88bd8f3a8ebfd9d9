import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import type { Route } from '../route.ts'

/** BuildKit's own border: HTTP/2 over connections that clients upgrade. */
export const buildkitRoutes: Route[] = [
  { method: 'POST', path: '/grpc', hijacks: true, handle: grpc },
  { method: 'POST', path: '/session', hijacks: true, handle: session },
]

function grpc(call: Call): void {
  call.engine.buildkit.grpc(call.switchProtocols(protocolOf(call)))
}

function session(call: Call): void {
  const protocol = protocolOf(call)
  const headers = Object.fromEntries(Object.entries(call.request.headersDistinct).map(([name, values]) => [name, values ?? []]))
  const { buildkit } = call.engine
  buildkit.checkSession(headers)
  buildkit.session(call.switchProtocols(protocol), headers)
}

function protocolOf({ request }: Call): string {
  const protocol = request.headers.upgrade
  if (protocol === undefined) throw new GantryError('InvalidParameter', 'no upgrade proto in request')
  if (protocol !== 'h2c') throw new GantryError('InvalidParameter', `protocol ${protocol} not supported`)
  return protocol
}
