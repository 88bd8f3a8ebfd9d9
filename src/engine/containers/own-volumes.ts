import { closeSync, fstatSync } from 'node:fs'
import { openDetachedTree } from '../../kernel/detached-tree.ts'
import { KernelError } from '../../kernel/failure.ts'
import { openInRoot } from '../../kernel/in-root.ts'
import { unmount } from '../../kernel/mount.ts'
import { GantryError, kindOf, messageOf } from '../../lib/errors.ts'
import { viewMapping } from '../user-namespace/container-files.ts'
import type { Container, ContainerRecord, MountRecord } from './container.ts'
import type { ContainersContext } from './context.ts'
import { anonymousLabel } from '../volumes/names.ts'
import { anonymousVolumes, isAnonymous, volumeNames } from './mounts.ts'

/**
 * Makes what the mounts of a new container need: its volumes, filled with what the image has at their places, and snapshots of the
 * images that it mounts. Volumes that were made for it are rubbish until `keepVolumes`.
 */
export async function obtainVolumes(ctx: ContainersContext, container: Container): Promise<void> {
  for (const mount of container.mounts) {
    if (mount.Type === 'volume') obtainVolume(ctx, container, mount)
  }
  await copyUpImage(ctx, container)
  for (const [index, mount] of container.mounts.entries()) {
    if (mount.Type === 'image') await prepareImage(ctx, mount, `${container.id}-image-${index}`)
  }
}

function obtainVolume(ctx: ContainersContext, { id }: ContainerRecord, mount: MountRecord): void {
  const { store, events } = ctx.volumes
  const { Labels, DriverConfig } = mount.Spec?.VolumeOptions ?? {}
  try {
    const anonymous = isAnonymous(mount)
    const known = store.find(mount.Name ?? '') !== undefined
    // The store adds the label of anonymous volumes only to those that it names itself.
    const labels = anonymous && !known ? { ...Labels, [anonymousLabel]: '' } : Labels
    const { record, isNew } = store.create({ Name: mount.Name, Driver: DriverConfig?.Name, DriverOpts: DriverConfig?.Options, Labels: labels }, anonymous ? id : undefined)
    store.refer(record.name, id)
    Object.assign(mount, { Name: record.name, Driver: record.driver, Source: store.data(record.name) })
    if (isNew) events('create', record.name, { driver: record.driver })
  } catch (error) {
    throw notTheImage(error)
  }
}

/** Clients take "not found" for the container's image, and pull it. */
function notTheImage(error: unknown): unknown {
  return kindOf(error) === 'NotFound' ? new GantryError('InvalidParameter', messageOf(error), { cause: error }) : error
}

/** Docker's copy-up: an empty volume gets what the image has at its place. Nobody writes to the snapshot of a new container. */
async function copyUpImage(ctx: ContainersContext, container: Container): Promise<void> {
  const volumes = container.mounts.filter(({ Type, Inherited }) => Type === 'volume' && Inherited === undefined)
  if (volumes.length === 0) return
  await ctx.snapshotter.activate(container.id)
  try {
    const root = openDetachedTree(ctx.kernel, { root: ctx.snapshotter.mount(container.id), scratch: `${ctx.execRoot}/views/${container.id}`, readonly: false, furnish: () => undefined, ...viewMapping(ctx, container) })
    try {
      for (const mount of volumes) await copyUpAt(ctx, { container, mount, root })
    } finally {
      closeSync(root)
    }
  } finally {
    await ctx.snapshotter.deactivate(container.id)
  }
}

async function copyUpAt(ctx: ContainersContext, { container, mount, root }: { container: Container; mount: MountRecord; root: number }): Promise<void> {
  const { NoCopy, Subpath } = mount.Spec?.VolumeOptions ?? {}
  const source = openPlace(ctx, root, mount.Destination)
  if (source === undefined) return
  try {
    if (!fstatSync(source).isDirectory()) {
      const shown = `${ctx.snapshotter.mountpoint(container.id)}${mount.Destination}`
      throw new GantryError('System', isAnonymous(mount) ? `cannot mount volume over existing file, file exists ${shown}` : `source ${shown} is not directory`)
    }
    if (NoCopy || Subpath) return
    await ctx.volumes.mounted.fill(mount.Name ?? '', { user: container.id, source: `/proc/self/fd/${source}` })
  } finally {
    closeSync(source)
  }
}

function openPlace(ctx: ContainersContext, root: number, path: string): number | undefined {
  try {
    return openInRoot(ctx.kernel, root, path, 'followed')
  } catch (error) {
    if (error instanceof KernelError && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code)) return undefined
    throw error
  }
}

async function prepareImage(ctx: ContainersContext, mount: MountRecord, snapshot: string): Promise<void> {
  try {
    const { id, chainId } = ctx.images.get(mount.Spec?.Source ?? '')
    await ctx.snapshotter.prepare(snapshot, chainId)
    mount.Image = { id, snapshot }
    mount.Source = ctx.snapshotter.mountpoint(snapshot)
  } catch (error) {
    throw notTheImage(error)
  }
}

/** The container is on disk: from now on its volumes outlive it. */
export function keepVolumes(ctx: ContainersContext, container: ContainerRecord): void {
  for (const name of anonymousVolumes(container)) ctx.volumes.store.disown(name)
}

/** Its anonymous volumes go with the container, even when the engine is killed in between. */
export function giveVolumesUp(ctx: ContainersContext, container: ContainerRecord): void {
  for (const name of anonymousVolumes(container)) ctx.volumes.store.own(name, container.id)
}

/** After the container has gone. Without `volumes` its anonymous ones stay. Those that others use too always do. */
export async function releaseVolumes(ctx: ContainersContext, container: ContainerRecord, { volumes }: { volumes: boolean }): Promise<void> {
  for (const name of volumeNames(container)) ctx.volumes.store.release(name, container.id)
  await removeImageSnapshots(ctx, container)
  if (!volumes) return
  for (const name of anonymousVolumes(container)) {
    try {
      await ctx.volumes.remove(name)
    } catch (error) {
      if (kindOf(error) === 'Conflict') ctx.volumes.store.disown(name)
      else if (kindOf(error) !== 'NotFound') ctx.log(`cannot remove volume ${name}: ${messageOf(error)}`)
    }
  }
}

async function removeImageSnapshots(ctx: ContainersContext, { mounts }: ContainerRecord): Promise<void> {
  const keys = new Set(ctx.snapshotter.keys())
  for (const { Image } of mounts) {
    if (Image === undefined || !keys.has(Image.snapshot)) continue
    unmount(ctx.kernel, ctx.snapshotter.mountpoint(Image.snapshot))
    await ctx.snapshotter.remove(Image.snapshot)
  }
}
