import { GantryError } from '../../lib/errors.ts'
import type { Filters } from '../engine.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { matchesLabel } from './list-filters.ts'
import { removeLocked } from './remove.ts'
import { parseTimeLimit } from '../images/time-limit.ts'

/** Removes all containers that do not run. Filters: until, label, label!. */
export async function pruneContainers(ctx: ContainersContext, filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
  const wanted = pruneTest(filters)
  const deleted: string[] = []
  let reclaimed = 0
  for (const container of ctx.registry.all()) {
    if (!wanted(container)) continue
    await container.lock.run(async () => {
      if (container.state.Running || container.removed) return
      const size = await ctx.snapshotter.usage(container.id)
      await removeLocked(ctx, container, { volumes: false })
      reclaimed += size
      deleted.push(container.id)
    })
  }
  ctx.events.emit('container', 'prune', { ID: '', Attributes: { reclaimed: String(reclaimed) } })
  return { ContainersDeleted: deleted, SpaceReclaimed: reclaimed }
}

function pruneTest(filters: Filters): (container: Container) => boolean {
  for (const key of filters.keys()) {
    if (!['until', 'label', 'label!'].includes(key)) throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
  }
  const limits = [...(filters.get('until') ?? [])].map((text) => parseTimeLimit(text))
  const labels = [...(filters.get('label') ?? [])]
  const unwanted = [...(filters.get('label!') ?? [])]
  return ({ state, created, config }) =>
    !state.Running &&
    limits.every((limit) => Date.parse(created) < limit) &&
    labels.every((label) => matchesLabel(config.Labels ?? {}, label)) &&
    !unwanted.some((label) => matchesLabel(config.Labels ?? {}, label))
}
