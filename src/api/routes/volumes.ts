import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import type { Route } from '../route.ts'
import { createVolume } from '../shapes.ts'

export const volumeRoutes: Route[] = [
  { method: 'GET', path: '/volumes', handle: async (call) => call.json(await call.engine.volumes.list(call.query.filters())) },
  { method: 'GET', path: '/volumes/{name}', handle: async (call) => call.json(await call.engine.volumes.inspect(call.ref)) },
  { method: 'POST', path: '/volumes/create', handle: async (call) => call.json(await call.engine.volumes.create(await call.readJson(createVolume)), 201) },
  { method: 'POST', path: '/volumes/prune', handle: prune },
  { method: 'PUT', path: '/volumes/{name}', handle: update },
  { method: 'DELETE', path: '/volumes/{name}', handle: remove },
]

/** Until API 1.42 every unused volume was pruned. */
async function prune(call: Call): Promise<void> {
  const filters = new Map(call.query.filters())
  if (call.minor < 42) filters.set('all', new Set(['true']))
  const { VolumesDeleted, SpaceReclaimed } = await call.engine.volumes.prune(filters)
  call.json({ VolumesDeleted: VolumesDeleted.length === 0 ? null : VolumesDeleted, SpaceReclaimed })
}

async function remove(call: Call): Promise<void> {
  await call.engine.volumes.remove(call.ref, { force: call.query.bool('force') })
  call.empty()
}

/** Only cluster volumes can change. */
function update(): never {
  throw new GantryError('Unavailable', 'volume update only valid for cluster volumes, but swarm is unavailable')
}
