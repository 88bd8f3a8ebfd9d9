import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import type { Route } from '../route.ts'
import { notImplemented } from '../route.ts'

export const pluginRoutes: Route[] = [
  { method: 'GET', path: '/plugins', handle: (call) => call.json([]) },
  notImplemented('GET', '/plugins/privileges'),
  notImplemented('POST', '/plugins/pull'),
  notImplemented('POST', '/plugins/create'),
  { method: 'GET', path: '/plugins/{name...}/json', handle: noSuchPlugin },
  notImplemented('POST', '/plugins/{name...}/enable'),
  notImplemented('POST', '/plugins/{name...}/disable'),
  notImplemented('POST', '/plugins/{name...}/upgrade'),
  notImplemented('POST', '/plugins/{name...}/push'),
  notImplemented('POST', '/plugins/{name...}/set'),
  notImplemented('DELETE', '/plugins/{name...}'),
]

/** There are no plugins, so none has the name that is asked for. */
function noSuchPlugin(call: Call): never {
  throw new GantryError('NotFound', `plugin ${JSON.stringify(call.ref)} not found`)
}
