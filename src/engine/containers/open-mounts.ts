import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { openDetachedTree } from '../../kernel/detached-tree.ts'
import { attachTree, mountOverlay, unmount } from '../../kernel/mount.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { viewMapping } from '../user-namespace/container-files.ts'
import { isMountPoint } from '../volumes/mount-table.ts'
import { checkPropagation } from '../volumes/propagation.ts'
import { pinSubpath, unpinSubpaths } from '../volumes/subpath.ts'
import type { Container, MountRecord } from './container.ts'
import type { ContainersContext } from './context.ts'

/** Host paths of what a container mounts, by their places in it. */
export interface OpenMounts {
  readonly sources: ReadonlyMap<string, string>
  /** Once they are mounted in the container: paths of subpaths hold until then. */
  close(): void
}

/**
 * Makes everything that a container mounts ready: volumes with options are mounted, images too, subpaths are resolved. Whether it
 * succeeds or fails, `closeMounts` undoes it. `quiet` for a look at a container that does not run: nobody is told.
 */
export async function openMounts(ctx: ContainersContext, container: Container, { quiet = false } = {}): Promise<OpenMounts> {
  const pins = `${subpathsOf(ctx)}/${container.id}`
  const close = (): void => unpinSubpaths(ctx.kernel, pins)
  const sources = new Map<string, string>()
  const beneath = (base: string, subpath: string | undefined): string => {
    if (!subpath) return base
    const place = `${pins}/${sources.size}`
    pinSubpath(ctx.kernel, { base, subpath, place })
    return place
  }
  try {
    for (const mount of container.mounts) {
      if (mount.Type === 'volume') sources.set(mount.Destination, beneath(await useVolume(ctx, container, { mount, quiet }), mount.Spec?.VolumeOptions?.Subpath))
      else if (mount.Type === 'image') sources.set(mount.Destination, beneath(await mountImage(ctx, container, mount), mount.Spec?.ImageOptions?.Subpath))
      else if (mount.Type === 'bind' && !quiet) checkPropagation(mount.Source, mount.Propagation)
    }
  } catch (error) {
    close()
    throw error
  }
  return { sources, close }
}

/** Unmounts what nobody else uses. Idempotent. */
export async function closeMounts(ctx: ContainersContext, container: Container, { quiet = false } = {}): Promise<void> {
  for (const mount of container.mounts) {
    if (mount.Type === 'image' && mount.Image !== undefined) {
      unmount(ctx.kernel, ctx.snapshotter.mountpoint(mount.Image.snapshot))
      await ctx.snapshotter.deactivate(mount.Image.snapshot)
    }
    if (mount.Type !== 'volume' || mount.Name === undefined) continue
    if ((await ctx.volumes.mounted.release(mount.Name, userOf(container, mount))) && !quiet) ctx.volumes.events('unmount', mount.Name, { container: container.id, driver: 'local' })
  }
}

/** Paths of subpaths that an engine was killed with. */
export function sweepSubpaths(ctx: ContainersContext): void {
  const directory = subpathsOf(ctx)
  for (const id of existsSync(directory) ? readdirSync(directory) : []) unpinSubpaths(ctx.kernel, `${directory}/${id}`)
}

function subpathsOf({ execRoot }: ContainersContext): string {
  return `${execRoot}/subpaths`
}

/** The container has run since before this engine. */
export function adoptMounts(ctx: ContainersContext, container: Container): void {
  for (const mount of container.mounts) if (mount.Type === 'volume' && mount.Name !== undefined) ctx.volumes.mounted.adopt(mount.Name, userOf(container, mount))
}

/** One container can have a volume at several places. */
function userOf({ id }: Container, { Destination }: MountRecord): string {
  return `${id}:${Destination}`
}

async function useVolume(ctx: ContainersContext, container: Container, { mount, quiet }: { mount: MountRecord; quiet: boolean }): Promise<string> {
  const { Name: name = '', Destination, RW, Source } = mount
  try {
    const path = await ctx.volumes.mounted.use(name, userOf(container, mount))
    if (!quiet) ctx.volumes.events('mount', name, { container: container.id, destination: Destination, driver: 'local', propagation: '', 'read/write': String(RW) })
    return path
  } catch (error) {
    throw new GantryError('System', `error while mounting volume '${Source}': ${messageOf(error)}`, { cause: error })
  }
}

async function mountImage(ctx: ContainersContext, container: Container, { Image }: MountRecord): Promise<string> {
  if (Image === undefined) throw new GantryError('System', 'cannot mount an image that the container has no snapshot of')
  await ctx.snapshotter.activate(Image.snapshot)
  const [mount, path] = [ctx.snapshotter.mount(Image.snapshot), ctx.snapshotter.mountpoint(Image.snapshot)]
  const mapping = viewMapping(ctx, container)
  const isMapped = Object.keys(mapping).length > 0
  if (mount.type === 'bind' && !isMapped) return mount.source
  mkdirSync(path, { recursive: true })
  if (isMountPoint(path)) return path
  if (mount.type === 'overlay' && !isMapped) mountOverlay(ctx.kernel, path, mount)
  else attachTree(ctx.kernel, openDetachedTree(ctx.kernel, { root: mount, scratch: `${ctx.execRoot}/views/${Image.snapshot}`, readonly: true, furnish: () => undefined, ...mapping }), path)
  return path
}
