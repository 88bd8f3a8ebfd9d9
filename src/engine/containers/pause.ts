import { GantryError } from '../../lib/errors.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { isRestarting, notRunning } from './joined.ts'

export async function pauseContainer(ctx: ContainersContext, container: Container): Promise<void> {
  await container.lock.run(async () => {
    const { state, task } = container
    if (state.Restarting) throw isRestarting(container.id)
    if (!state.Running || task === undefined) throw notRunning(container.id)
    if (state.Paused) throw new GantryError('Conflict', `container ${container.id} is already paused`)
    ctx.health.end(container)
    await task.pause().catch((error: unknown) => {
      ctx.health.begin(container)
      throw error
    })
    state.Paused = true
    ctx.store.save(container)
    emitContainerEvent(ctx, container, 'pause')
  })
}

export async function unpauseContainer(ctx: ContainersContext, container: Container): Promise<void> {
  await container.lock.run(async () => {
    const { state, task } = container
    if (!state.Paused || task === undefined) throw new GantryError('Conflict', `container ${container.id} is not paused`)
    await task.resume()
    state.Paused = false
    ctx.health.begin(container)
    ctx.store.save(container)
    emitContainerEvent(ctx, container, 'unpause')
  })
}
