import { GantryError, kindOf, messageOf } from '../../lib/errors.ts'
import { KernelError } from '../../kernel/failure.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { notRunning } from './joined.ts'
import { cancelRestart } from './restart-later.ts'
import { sigkill, signalNumber } from './signals.ts'

const defaultTimeout = 10

/** The stop signal, then after `timeout` seconds SIGKILL. */
export async function stopContainer(ctx: ContainersContext, container: Container, options: { timeout?: number; signal?: string }): Promise<void> {
  if (!container.state.Running) throw new GantryError('NotModified', 'Container is already stopped')
  await endRun(ctx, container, options)
  emitContainerEvent(ctx, container, 'stop')
}

/** Stops a running container without a word to events. */
export async function endRun(ctx: ContainersContext, container: Container, options: { timeout?: number; signal?: string }): Promise<void> {
  const signal = signalNumber(options.signal || stopSignalOf(container))
  const timeout = options.timeout ?? container.config.StopTimeout ?? defaultTimeout
  const exit = container.waiters.exitWithin(timeout < 0 ? undefined : timeout * 1000)
  if (!(await signalIfRunning(ctx, container, { signal, stops: true }))) return
  if (await exit) return
  await killContainer(ctx, container)
}

/** SIGKILL, until it is gone. */
export async function killContainer(ctx: ContainersContext, container: Container): Promise<void> {
  const exit = container.waiters.nextExit()
  if (await signalIfRunning(ctx, container, { signal: sigkill, stops: true })) await exit
}

/** One signal. After SIGKILL it settles once the container is gone. */
export async function signalContainer(ctx: ContainersContext, ref: string, text: string): Promise<void> {
  try {
    const container = ctx.registry.get(ref)
    const signal = signalNumber(text || 'SIGKILL')
    const stops = signal === sigkill || signal === signalNumber(stopSignalOf(container))
    const exit = signal === sigkill ? container.waiters.nextExit() : undefined
    if (!(await signalIfRunning(ctx, container, { signal, stops }))) throw notRunning(container.id)
    await exit
  } catch (error) {
    throw new GantryError(kindOf(error), `cannot kill container: ${ref}: ${messageOf(error)}`, { cause: error })
  }
}

function stopSignalOf(container: Container): string {
  return container.config.StopSignal || 'SIGTERM'
}

/**
 * @param stops the signal is meant to end the container: restart policies rest, a frozen one is thawed to see it
 * @returns whether the container was still running
 */
async function signalIfRunning(ctx: ContainersContext, container: Container, { signal, stops }: { signal: number; stops: boolean }): Promise<boolean> {
  return container.lock.run(async () => {
    if (!container.state.Running) return false
    if (stops) {
      container.hasBeenManuallyStopped = !container.isBeingRestarted
      if (cancelRestart(ctx, container)) return true
    }
    const { task } = container
    if (task === undefined) return container.state.Running
    await deliver(task, signal)
    if (stops && container.state.Paused) {
      await task.resume()
      container.state.Paused = false
    }
    if (stops && container.hostConfig.AutoRemove !== true) ctx.store.save(container)
    emitContainerEvent(ctx, container, 'kill', { signal: String(signal) })
    return true
  })
}

/** A process that is gone already has what the signal wanted. */
async function deliver(task: { signal(signal: number): Promise<void> }, signal: number): Promise<void> {
  try {
    await task.signal(signal)
  } catch (error) {
    const gone = (error instanceof KernelError && error.code === 'ESRCH') || kindOf(error) === 'NotFound'
    if (!gone) throw error
  }
}
