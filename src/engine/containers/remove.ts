import { GantryError, messageOf } from '../../lib/errors.ts'
import { endPending } from '../attach/pending.ts'
import { timed } from '../metrics/timed.ts'
import { emitContainerEvent } from './container-events.ts'
import { stateWord } from './container.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { giveVolumesUp, keepVolumes, releaseVolumes } from './own-volumes.ts'
import { cancelRestart } from './restart-later.ts'
import { killContainer } from './stop.ts'

export async function removeContainer(ctx: ContainersContext, container: Container, { force, volumes }: { force: boolean; volumes: boolean }): Promise<void> {
  if (container.state.RemovalInProgress) throw new GantryError('Conflict', `removal of container ${container.id} is already in progress`)
  if (container.state.Running) {
    if (!force) throw stillRunning(container)
    await killContainer(ctx, container)
  }
  await container.lock.run(async () => {
    if (container.removed) return
    if (container.state.Running) throw stillRunning(container)
    await removeLocked(ctx, container, { volumes })
  })
}

function stillRunning(container: Container): GantryError {
  const state = stateWord(container.state)
  const what = state === 'paused' ? 'container is paused and must be unpaused first' : `container is ${state}: stop the container before removing or force remove`
  return new GantryError('Conflict', `cannot remove container "/${container.name}": ${what}`)
}

/** Under the container's lock, not running. The unlink of its configuration is the moment of removal. With `volumes` its anonymous ones go too. */
export function removeLocked(ctx: ContainersContext, container: Container, options: { volumes: boolean }): Promise<void> {
  return timed('container_actions', 'delete', () => removeOnce(ctx, container, options))
}

async function removeOnce(ctx: ContainersContext, container: Container, { volumes }: { volumes: boolean }): Promise<void> {
  cancelRestart(ctx, container)
  container.state.RemovalInProgress = true
  try {
    if (volumes) giveVolumesUp(ctx, container)
    await ctx.logs.forget(container.id)
    ctx.store.forget(container.id)
    await Promise.all([ctx.snapshotter.remove(container.id), ctx.store.sweep(container.id)])
  } catch (error) {
    container.state.RemovalInProgress = false
    container.state.Dead = true
    ctx.store.restore(container)
    keepVolumes(ctx, container)
    throw new GantryError('System', `cannot remove container "/${container.name}": ${messageOf(error)}`, { cause: error })
  }
  await releaseVolumes(ctx, container, { volumes })
  container.removed = true
  ctx.registry.delete(container)
  ctx.execs.containerRemoved(container.id)
  endPending(container)
  emitContainerEvent(ctx, container, 'destroy')
  container.waiters.tellRemoval({ StatusCode: container.state.ExitCode })
}
