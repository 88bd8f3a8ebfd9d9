import { GantryError } from '../../lib/errors.ts'
import type { Route } from '../route.ts'
import { notImplemented } from '../route.ts'

/** There are no volumes yet, and that is what these answer. */
export const volumeRoutes: Route[] = [
  { method: 'GET', path: '/volumes', handle: (call) => call.json({ Volumes: [], Warnings: null }) },
  {
    method: 'GET',
    path: '/volumes/{name}',
    handle(call) {
      throw new GantryError('NotFound', `get ${call.ref}: no such volume`)
    },
  },
  notImplemented('POST', '/volumes/create'),
  { method: 'POST', path: '/volumes/prune', handle: (call) => call.json({ VolumesDeleted: [], SpaceReclaimed: 0 }) },
  notImplemented('PUT', '/volumes/{name}'),
  notImplemented('DELETE', '/volumes/{name}'),
]
