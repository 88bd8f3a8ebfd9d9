import { overlayChanges } from '../../containerd/snapshots/overlay2/overlay-changes.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

interface Change {
  Path: string
  Kind: 0 | 1 | 2
}

/** Mount points that the runtime makes in the root; nobody changed anything there. */
const engineFiles = new Set(['/.dockerenv', '/dev/console', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf', '/sbin/docker-init'])
const kernelDirectories = ['/dev', '/proc', '/sys']

/** What the container's file system differs in from its image. */
export function containerChanges(ctx: ContainersContext, container: Container): Change[] {
  const mount = ctx.snapshotter.mount(container.id)
  if (mount.type !== 'overlay') throw new GantryError('NotImplemented', `not implemented yet: changes with storage driver ${ctx.snapshotter.name}`)
  return withoutMountPoints(overlayChanges(mount.upper, mount.lower, ctx.kernel), container.mounts.map(({ Destination }) => Destination))
}

/** Leaves out the mount points and every directory that counts as modified only because of them. */
export function withoutMountPoints(changes: readonly Change[], mounts: readonly string[]): Change[] {
  const isMountPoint = ({ Path, Kind }: Change): boolean =>
    (engineFiles.has(Path) && Kind !== 2) || (Kind !== 2 && (mounts.includes(Path) || kernelDirectories.some((root) => Path === root || Path.startsWith(`${root}/`))))
  const kept = changes.filter((change) => !isMountPoint(change))
  const dropped = changes.filter((change) => isMountPoint(change)).map(({ Path }) => Path)
  return kept.filter(({ Path, Kind }) => Kind !== 0 || !isOnlyAParent(Path, { dropped, kept }))
}

function isOnlyAParent(path: string, { dropped, kept }: { dropped: readonly string[]; kept: readonly Change[] }): boolean {
  const below = `${path}/`
  return dropped.some((other) => other.startsWith(below)) && !kept.some(({ Path }) => Path.startsWith(below))
}
