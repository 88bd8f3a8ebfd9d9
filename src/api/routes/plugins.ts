import type { Route } from '../route.ts'
import { notImplemented } from '../route.ts'

export const pluginRoutes: Route[] = [
  { method: 'GET', path: '/plugins', handle: (call) => call.json([]) },
  notImplemented('GET', '/plugins/privileges'),
  notImplemented('POST', '/plugins/pull'),
  notImplemented('POST', '/plugins/create'),
  notImplemented('GET', '/plugins/{name...}/json'),
  notImplemented('POST', '/plugins/{name...}/enable'),
  notImplemented('POST', '/plugins/{name...}/disable'),
  notImplemented('POST', '/plugins/{name...}/upgrade'),
  notImplemented('POST', '/plugins/{name...}/push'),
  notImplemented('POST', '/plugins/{name...}/set'),
  notImplemented('DELETE', '/plugins/{name...}'),
]
