import { GantryError } from '../../lib/errors.ts'
import type { Call } from '../call.ts'
import type { Route } from '../route.ts'
import { createCheckpoint } from '../shapes.ts'

/** Docker's experimental operations. Without `--experimental` they answer that, as dockerd does. */
export const checkpointRoutes: Route[] = [
  { method: 'GET', path: '/containers/{name}/checkpoints', handle: experimental(list) },
  { method: 'POST', path: '/containers/{name}/checkpoints', handle: experimental(create) },
  { method: 'DELETE', path: '/containers/{name}/checkpoints/{checkpoint}', handle: experimental(remove) },
]

function experimental(handle: (call: Call) => Promise<void>): Route['handle'] {
  return (call) => {
    if (!call.engine.system.experimental) throw new GantryError('NotImplemented', 'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.')
    return handle(call)
  }
}

/** Go writes an empty list as null. */
async function list(call: Call): Promise<void> {
  const checkpoints = await call.engine.containers.checkpoints(call.ref, { directory: call.query.string('dir') })
  call.json(checkpoints.length === 0 ? null : checkpoints)
}

async function create(call: Call): Promise<void> {
  const { CheckpointID = '', CheckpointDir = '', Exit = false } = await call.readJson(createCheckpoint)
  await call.engine.containers.createCheckpoint(call.ref, { name: CheckpointID, directory: CheckpointDir, exit: Exit })
  call.empty(201)
}

async function remove(call: Call): Promise<void> {
  await call.engine.containers.removeCheckpoint(call.ref, { name: call.params['checkpoint'] ?? '', directory: call.query.string('dir') })
  call.empty()
}
