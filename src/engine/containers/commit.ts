import { GantryError, messageOf } from '../../lib/errors.ts'
import { familiarString, parseReference, withDefaultTag } from '../../lib/reference.ts'
import type { TarEntry } from '../../lib/tar/entry.ts'
import { TarFilter } from '../../lib/tar/filter.ts'
import type { Image } from '../../containerd/images/contract.ts'
import type { CommitContainer } from '../engine.ts'
import { changedConfig } from '../images/changed-config.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import { engineChanges } from './changes.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { mergeConfig } from './merge-config.ts'
import { exposedShown } from './shown-ports.ts'
import { pauseContainer, unpauseContainer } from './pause.ts'

/** Makes an image of a container: its image, and what was changed since as one more layer. Volumes and mounts are no part of it. */
export async function commitContainer(ctx: ContainersContext, container: Container, request: CommitContainer): Promise<{ Id: string }> {
  const name = request.reference ? checkedName(request.reference) : undefined
  const { state } = container
  if (state.Dead) throw new GantryError('Conflict', `You cannot commit container ${container.id} which is Dead`)
  if (state.RemovalInProgress || container.removed) throw new GantryError('Conflict', `You cannot commit container ${container.id} which is being removed`)
  const config = committedConfig(container, request)
  const image = request.pause && state.Running && !state.Paused && !state.Restarting ? await whilePaused(ctx, container, () => commit(ctx, container, { request, config })) : await commit(ctx, container, { request, config })
  if (name !== undefined) {
    ctx.images.tag(image.id, name)
    ctx.events.emit('image', 'tag', { ID: image.id, Attributes: { ...image.config.Labels, name } })
  }
  emitContainerEvent(ctx, container, 'commit', { comment: request.comment ?? '', imageID: image.id, imageRef: name ?? '' })
  return { Id: image.id }
}

function checkedName(text: string): string {
  const reference = withDefaultTag(parseReference(text))
  if (reference.digest !== undefined) throw new GantryError('InvalidParameter', 'refusing to create a tag with a digest reference')
  return familiarString(reference)
}

/** What the request says, changed by the instructions, completed from the container's. */
function committedConfig(container: Container, { config, changes }: CommitContainer): ContainerConfig {
  const own = exposedShown(container.config)
  const changed = changedConfig(config ?? own, changes)
  const merged = mergeConfig(changed, own)
  return { ...merged, OnBuild: changed.OnBuild ?? null }
}

async function whilePaused<Result>(ctx: ContainersContext, container: Container, act: () => Promise<Result>): Promise<Result> {
  let paused = true
  await pauseContainer(ctx, container).catch((error: unknown) => {
    // It ended meanwhile: what it has left is what is committed.
    if (!(error instanceof GantryError) || error.kind !== 'Conflict') throw error
    paused = false
  })
  try {
    return await act()
  } finally {
    if (paused) await unpauseContainer(ctx, container).catch((error: unknown) => ctx.log(`cannot unpause container ${container.id}: ${messageOf(error)}`))
  }
}

async function commit(ctx: ContainersContext, container: Container, { request, config }: { request: CommitContainer; config: ContainerConfig }): Promise<Image> {
  const ignored = await engineChanges(ctx, container)
  const filter = new TarFilter((entry) => !ignored.has(pathOf(entry)))
  return await ctx.images.commit({
    parent: container.imageId,
    layer: whole(container, filter.copy(ctx.snapshotter.diff(container.id))),
    isEmpty: () => filter.members === 0,
    config,
    container: { id: container.id, config: exposedShown(container.config) },
    ...(request.author !== undefined && { author: request.author }),
    ...(request.comment !== undefined && { comment: request.comment }),
  })
}

/** A layer of a container that is removed while it is read would lack what is gone already. */
async function* whole(container: Container, layer: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* layer
  if (container.removed) throw new GantryError('Conflict', `You cannot commit container ${container.id} which is being removed`)
}

/** As in `changes`. A whiteout is of the path that it hides. */
function pathOf({ name }: TarEntry): string {
  return `/${name.replace(/\/$/, '').replace(/(^|\/)\.wh\.(?!\.wh\.)/, '$1')}`
}
