import type { HostConfig } from '../engine/types/host-config.ts'
import type { Call } from './call.ts'
import { updateBody } from './shapes.ts'

/** POST /containers/{name}/update. The body is HostConfig's resources and its restart policy. */
export async function updateContainer(call: Call): Promise<void> {
  const change = await call.readJson(updateBody, { required: true })
  if (call.minor < 40) delete change.PidsLimit
  // Any number below one has meant "unlimited" to some client.
  if (typeof change.PidsLimit === 'number' && change.PidsLimit <= 0) change.PidsLimit = 0
  if (change.RestartPolicy !== undefined) {
    change.RestartPolicy.Name ??= ''
    change.RestartPolicy.MaximumRetryCount ??= 0
  }
  call.json(await call.engine.containers.update(call.ref, change as HostConfig))
}
