import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { messageOf } from '../../lib/errors.ts'
import type { ContainersContext } from './context.ts'

const containerId = /^[0-9a-f]{64}$/

/** Name of the file in an anonymous volume's directory that says whose it is. */
export const volumeOwnerFile = 'container'

/** Removes snapshots and anonymous volumes whose container was never finished or is already gone. `keep`: ids to leave alone. */
export async function sweepOrphans(ctx: ContainersContext, keep: ReadonlySet<string>): Promise<void> {
  const isOrphan = (id: string): boolean => ctx.registry.find(id) === undefined && !keep.has(id)
  for (const key of ctx.snapshotter.keys()) {
    if (!containerId.test(key) || !isOrphan(key)) continue
    ctx.log(`removing snapshot ${key}: it has no container`)
    try {
      await ctx.snapshotter.remove(key)
    } catch (error) {
      ctx.log(`cannot remove snapshot ${key}: ${messageOf(error)}`)
    }
  }
  const volumes = `${ctx.dataRoot}/volumes`
  if (!existsSync(volumes)) return
  for (const name of readdirSync(volumes)) {
    const owner = `${volumes}/${name}/${volumeOwnerFile}`
    if (existsSync(owner) && isOrphan(readFileSync(owner, 'utf8').trim())) rmSync(`${volumes}/${name}`, { recursive: true, force: true })
  }
}
