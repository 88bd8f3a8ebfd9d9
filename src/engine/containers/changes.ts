import type { Change } from '../../containerd/snapshots/contract.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/** Mount points that the runtime makes in the root; nobody changed anything there. */
const engineFiles = new Set(['/.dockerenv', '/dev/console', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf', '/sbin/docker-init'])
const kernelDirectories = ['/dev', '/proc', '/sys']
/** Made for engine files where an image lacks them. */
const engineParents = new Set(['/etc', '/sbin'])

/** What the container's file system differs in from its image. */
export async function containerChanges(ctx: ContainersContext, container: Container): Promise<Change[]> {
  return withoutMountPoints(await ctx.snapshotter.changes(container.id), container.mounts.map(({ Destination }) => Destination))
}

/** Paths of what differs only because the engine mounted something there. */
export async function engineChanges(ctx: ContainersContext, container: Container): Promise<Set<string>> {
  const all = await ctx.snapshotter.changes(container.id)
  const kept = new Set(withoutMountPoints(all, container.mounts.map(({ Destination }) => Destination)).map(({ Path }) => Path))
  return new Set(all.map(({ Path }) => Path).filter((path) => !kept.has(path)))
}

/** Leaves out the mount points and every directory that counts as modified only because of them. */
export function withoutMountPoints(changes: readonly Change[], mounts: readonly string[]): Change[] {
  const isMountPoint = ({ Path, Kind }: Change): boolean =>
    (engineFiles.has(Path) && Kind !== 2) || (Kind !== 2 && (mounts.includes(Path) || kernelDirectories.some((root) => Path === root || Path.startsWith(`${root}/`))))
  const kept = changes.filter((change) => !isMountPoint(change))
  const dropped = changes.filter((change) => isMountPoint(change)).map(({ Path }) => Path)
  return kept.filter(({ Path, Kind }) => (Kind !== 0 && !(Kind === 1 && engineParents.has(Path))) || !isOnlyAParent(Path, { dropped, kept }))
}

function isOnlyAParent(path: string, { dropped, kept }: { dropped: readonly string[]; kept: readonly Change[] }): boolean {
  const below = `${path}/`
  return dropped.some((other) => other.startsWith(below)) && !kept.some(({ Path }) => Path.startsWith(below))
}
