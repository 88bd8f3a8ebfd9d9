import type { Route } from '../route.ts'
import { notImplemented } from '../route.ts'

export const buildRoutes: Route[] = [
  notImplemented('POST', '/build'),
  notImplemented('POST', '/build/cancel'),
  // There is no build cache yet.
  { method: 'POST', path: '/build/prune', handle: (call) => call.json({ CachesDeleted: null, SpaceReclaimed: 0 }) },
]
