import { rmSync } from 'node:fs'
import { GantryError, kindOf, messageOf } from '../../lib/errors.ts'
import { emitContainerEvent } from '../containers/container-events.ts'
import type { Container } from '../containers/container.ts'
import type { ContainersContext } from '../containers/context.ts'
import { isRestarting, notRunning } from '../containers/joined.ts'
import { saveAddresses } from './addresses.ts'
import { checkpointPlace, findCheckpoint, listCheckpoints, makeCheckpoint, type CheckpointPlace } from './place.ts'

/** The engine's calls on checkpoints of one container (Engine API, experimental). */
export interface CreateCheckpoint {
  ref: string
  /** 2 characters or more of [a-zA-Z0-9_.-]. */
  name: string
  /** Absolute; empty: the container's own. */
  directory: string
  /** Ends the container once all is written. */
  exit: boolean
}

/**
 * Writes a running container into images. With `exit` it has ended when this settles, and its restart policy leaves it alone:
 * it would begin anew beside its checkpoint. When it fails the container goes on, and there is no checkpoint.
 */
export async function createCheckpoint(ctx: ContainersContext, container: Container, request: CreateCheckpoint): Promise<void> {
  const place = placeOf(ctx, container, request.ref, request.directory)
  await container.lock.run(() => dump(ctx, container, { ...request, place }))
  if (request.exit) await container.exited
}

async function dump(ctx: ContainersContext, container: Container, { ref, name, exit, place }: CreateCheckpoint & { place: CheckpointPlace }): Promise<void> {
  const { state, task, hasBeenManuallyStopped } = container
  if (state.Restarting) throw isRestarting(container.id)
  if (!state.Running || task === undefined) throw notRunning(container.id)
  const images = makeCheckpoint(place, name)
  try {
    saveAddresses(images, container)
    if (exit) container.hasBeenManuallyStopped = true
    await task.checkpoint({ images, leaveRunning: !exit })
  } catch (error) {
    container.hasBeenManuallyStopped = hasBeenManuallyStopped
    rmSync(images, { recursive: true, force: true })
    throw new GantryError(kindOf(error), `Cannot checkpoint container ${ref}: ${messageOf(error)}`, { cause: error })
  }
  if (exit) ctx.store.save(container)
  emitContainerEvent(ctx, container, 'checkpoint')
}

export function containerCheckpoints(ctx: ContainersContext, container: Container, { ref, directory }: { ref: string; directory: string }): { Name: string }[] {
  return listCheckpoints(placeOf(ctx, container, ref, directory)).map((Name) => ({ Name }))
}

export function removeCheckpoint(ctx: ContainersContext, container: Container, { ref, name, directory }: { ref: string; name: string; directory: string }): void {
  rmSync(findCheckpoint(placeOf(ctx, container, ref, directory), name), { recursive: true, force: true })
}

/** Directory of the images that a start is to restore. @throws GantryError System with Docker's text */
export function checkpointToRestore(ctx: ContainersContext, container: Container, { name, directory }: { name: string; directory: string }): string {
  return findCheckpoint(placeOf(ctx, container, `/${container.name}`, directory), name)
}

function placeOf(ctx: ContainersContext, container: Container, ref: string, custom: string): CheckpointPlace {
  return checkpointPlace(`${ctx.store.paths(container.id).directory}/checkpoints`, ref, custom)
}
