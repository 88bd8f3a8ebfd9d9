import { messageOf } from '../../lib/errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { nextDelay, shouldRestart } from './restart-policy.ts'
import { startLocked } from './start.ts'

/** Starts a restarting container again after its delay. */
export function scheduleRestart(ctx: ContainersContext, container: Container, ranForMilliseconds: number): void {
  container.restartDelay = nextDelay(container.restartDelay, ranForMilliseconds)
  container.restartTimer = setTimeout(() => void restartNow(ctx, container), container.restartDelay)
}

/** Under the container's lock: no restart comes, the container has stopped. @returns whether one was due */
export function cancelRestart(ctx: ContainersContext, container: Container): boolean {
  if (!container.state.Restarting) return false
  clearTimeout(container.restartTimer)
  container.restartTimer = undefined
  container.state.Running = false
  container.state.Restarting = false
  ctx.store.save(container)
  container.waiters.tellExit({ StatusCode: container.state.ExitCode })
  return true
}

async function restartNow(ctx: ContainersContext, container: Container): Promise<void> {
  await container.lock.run(async () => {
    container.restartTimer = undefined
    if (!container.state.Restarting || container.removed) return
    try {
      await startLocked(ctx, container)
    } catch (error) {
      ctx.log(`cannot restart container ${container.id}: ${messageOf(error)}`)
      retryFailedStart(ctx, container)
    }
  })
}

/** A start that fails counts as a run that failed at once. */
function retryFailedStart(ctx: ContainersContext, container: Container): void {
  const again = !container.removed && shouldRestart(container, container.state.ExitCode)
  if (!again) {
    container.waiters.tellExit({ StatusCode: container.state.ExitCode })
    return
  }
  container.state.Running = true
  container.state.Restarting = true
  container.restartCount += 1
  ctx.store.save(container)
  scheduleRestart(ctx, container, 0)
}
