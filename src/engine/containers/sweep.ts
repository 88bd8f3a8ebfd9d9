import { unmount } from '../../kernel/mount.ts'
import { messageOf } from '../../lib/errors.ts'
import type { ContainersContext } from './context.ts'
import { sweepSubpaths } from './open-mounts.ts'

/** Of a container, or of an image that it mounts. */
const snapshotKey = /^([0-9a-f]{64})(-image-\d+)?$/

/** Removes snapshots and volumes whose container was never finished or is already gone. `keep`: ids to leave alone. */
export async function sweepOrphans(ctx: ContainersContext, keep: ReadonlySet<string>): Promise<void> {
  const isOrphan = (id: string): boolean => ctx.registry.find(id) === undefined && !keep.has(id)
  for (const key of ctx.snapshotter.keys()) {
    const [, owner] = snapshotKey.exec(key) ?? []
    if (owner === undefined || !isOrphan(owner)) continue
    ctx.log(`removing snapshot ${key}: it has no container`)
    try {
      // Of an image, or of a step of a build that was killed before its task was written down.
      unmount(ctx.kernel, ctx.snapshotter.mountpoint(key))
      await ctx.snapshotter.remove(key)
    } catch (error) {
      ctx.log(`cannot remove snapshot ${key}: ${messageOf(error)}`)
    }
  }
  sweepSubpaths(ctx)
  ctx.volumes.mounted.recover(ctx.log)
  await ctx.volumes.store.settle((id) => !isOrphan(id))
}
