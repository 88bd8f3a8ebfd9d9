import { GantryError } from '../../lib/errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

export interface JoinedContainers {
  network?: Container
  ipc?: Container
  pid?: Container
}

/** The running containers whose namespaces this one joins. @throws Conflict, NotFound with Docker's text */
export function joinedContainers(ctx: ContainersContext, container: Container): JoinedContainers {
  const { NetworkMode, IpcMode, PidMode } = container.hostConfig
  const joined: JoinedContainers = {
    network: join(ctx, container, { mode: NetworkMode, what: 'network' }),
    ipc: join(ctx, container, { mode: IpcMode, what: 'IPC' }),
    pid: join(ctx, container, { mode: PidMode, what: 'PID' }),
  }
  const donor = joined.ipc
  if (donor !== undefined && !isShareable(donor.hostConfig.IpcMode)) {
    throw new GantryError('Conflict', `can't join IPC of container ${donor.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`)
  }
  return joined
}

export function isShareable(ipcMode: string | undefined): boolean {
  return ipcMode === 'shareable' || ipcMode === 'host' || (ipcMode?.startsWith('container:') ?? false)
}

function join(ctx: ContainersContext, container: Container, { mode, what }: { mode: string | undefined; what: string }): Container | undefined {
  if (!mode?.startsWith('container:')) return undefined
  const other = ctx.registry.get(mode.slice('container:'.length))
  if (other.id === container.id) throw new GantryError('InvalidParameter', `cannot join own ${what}`)
  if (!other.state.Running) throw new GantryError('Conflict', `cannot join ${what} of a non running container: ${other.id}`)
  if (other.state.Restarting) throw isRestarting(other.id)
  return other
}

export function isRestarting(ref: string): GantryError {
  return new GantryError('Conflict', `Container ${ref} is restarting, wait until the container is running`)
}

export function notRunning(ref: string): GantryError {
  return new GantryError('Conflict', `container ${ref} is not running`)
}
