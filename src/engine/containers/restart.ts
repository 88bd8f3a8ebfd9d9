import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { startContainer } from './start.ts'
import { endRun } from './stop.ts'

/** Stops it when it runs, then starts it. Its --rm does not act on this stop. */
export async function restartContainer(ctx: ContainersContext, container: Container, options: { timeout?: number; signal?: string }): Promise<void> {
  container.isBeingRestarted = true
  try {
    if (container.state.Running) {
      await endRun(ctx, container, options)
      emitContainerEvent(ctx, container, 'stop')
    }
  } finally {
    container.isBeingRestarted = false
  }
  await startContainer(ctx, container)
  emitContainerEvent(ctx, container, 'restart')
}
