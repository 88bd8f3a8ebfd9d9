import { GantryError, kindOf, messageOf } from '../../lib/errors.ts'
import { changedResources } from '../spec/changed-resources.ts'
import type { HostConfig } from '../types/host-config.ts'
import { forgetUpdated } from './cgroup-record.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { discardMissing } from './discarded-limits.ts'
import { watchMemory } from './oom-events.ts'
import { mergeUpdate } from './update-merge.ts'

/**
 * Changes limits and restart policy, of a running container at once. Recorded first: whenever the engine dies, the
 * record holds the old configuration or the new one, and the next start goes by it.
 */
export async function updateContainer(ctx: ContainersContext, container: Container, asked: HostConfig): Promise<{ Warnings: string[] | null }> {
  const { kept: change, warnings } = discardMissing(asked)
  warnings.push(...ctx.specs.validateUpdate(change))
  await container.lock.run(() => updateLocked(ctx, container, change))
  return { Warnings: warnings.length === 0 ? null : warnings }
}

async function updateLocked(ctx: ContainersContext, container: Container, change: HostConfig): Promise<void> {
  const { state, task } = container
  try {
    if (container.removed || state.RemovalInProgress || state.Dead) {
      throw new GantryError('Conflict', 'container is marked for removal and cannot be "update"')
    }
    const merged = mergeUpdate(container.hostConfig, change)
    const resources = changedResources(change, merged)
    ctx.store.saveHostConfig({ ...container, hostConfig: merged })
    try {
      if (task !== undefined && state.Running && Object.keys(resources).length > 0) await task.update(resources)
    } catch (error) {
      ctx.store.saveHostConfig(container)
      throw error
    }
    Object.assign(container.hostConfig, merged)
    if (container.cgroupValues !== undefined) {
      forgetUpdated(container, change)
      ctx.store.save(container)
    }
  } catch (error) {
    throw new GantryError(kindOf(error), `Cannot update container ${container.id}: ${messageOf(error)}`, { cause: error })
  }
  if (task !== undefined) watchMemory(ctx, container, task)
  emitContainerEvent(ctx, container, 'update')
}
