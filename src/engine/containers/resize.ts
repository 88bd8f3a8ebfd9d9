import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { notRunning } from './joined.ts'

export async function resizeContainer(ctx: ContainersContext, container: Container, size: { width: number; height: number }): Promise<void> {
  if (container.task === undefined) throw notRunning(container.id)
  await container.task.resize(size)
  emitContainerEvent(ctx, container, 'resize', { height: String(size.height), width: String(size.width) })
}
