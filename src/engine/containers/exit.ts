import { messageOf } from '../../lib/errors.ts'
import type { Task, TaskExit } from '../../containerd/tasks/contract.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { releaseEndpoints } from './endpoints.ts'
import { endHealth } from '../health/health-monitors.ts'
import { endMemoryWatch, watchMemory } from './oom-events.ts'
import { closeMounts } from './open-mounts.ts'
import { removeLocked } from './remove.ts'
import { scheduleRestart } from './restart-later.ts'
import { shouldRestart } from './restart-policy.ts'
import { unmountSharedMemory } from './shared-memory.ts'
import { keepProgram } from './start.ts'
import { rfc3339Nano } from './timestamp.ts'

/** Watches a running task; its exit is handled under the container's lock. */
export function superviseTask(ctx: ContainersContext, container: Container, task: Task): void {
  container.task = task
  watchMemory(ctx, container, task)
  container.exited = watch(ctx, container, task)
}

async function watch(ctx: ContainersContext, container: Container, task: Task): Promise<void> {
  try {
    const exit = await exitOf(ctx, task)
    await container.lock.run(() => handleExit(ctx, container, { task, exit }))
  } catch (error) {
    ctx.log(`cannot handle the exit of container ${container.id}: ${messageOf(error)}`)
  }
}

/** A monitor that is lost has taken the status with it. */
async function exitOf(ctx: ContainersContext, task: Task): Promise<TaskExit> {
  try {
    return await task.wait()
  } catch (error) {
    ctx.log(`cannot wait for container ${task.id}: ${messageOf(error)}`)
    return { code: 255, exitedAt: Date.now(), oomKilled: false }
  }
}

/**
 * The exit is on disk before anything of the run is taken away: whoever is killed in between finds one or the other, so that no
 * status is lost and no restart counted twice.
 */
export async function handleExit(ctx: ContainersContext, container: Container, { task, exit }: { task: Task | undefined; exit: TaskExit }): Promise<void> {
  container.task = undefined
  ctx.health.end(container)
  endMemoryWatch(container)
  endHealth(container)
  const ranFor = Math.max(0, exit.exitedAt - Date.parse(container.state.StartedAt))
  const restart = !container.isBeingRestarted && shouldRestart(container, exit.code)
  const ended = {
    Running: restart,
    Restarting: restart,
    Paused: false,
    Pid: 0,
    ExitCode: exit.code,
    OOMKilled: exit.oomKilled,
    FinishedAt: rfc3339Nano(exit.exitedAt),
  }
  const removes = container.hostConfig.AutoRemove === true && !restart && !container.isBeingRestarted
  const restartCount = container.restartCount + (restart ? 1 : 0)
  // What is removed at once needs no last state: recovery would do the same from the old one.
  if (!removes) await attempt(ctx, container, () => ctx.store.save({ ...container, restartCount, state: { ...container.state, ...ended } }))
  await takeRunAway(ctx, container, task)
  container.restartCount = restartCount
  Object.assign(container.state, ended)
  if (!removes) await attempt(ctx, container, () => ctx.store.save(container))
  ctx.logs.ended(container)
  ctx.execs.containerExited(container.id)
  emitContainerEvent(ctx, container, 'die', { execDuration: String(Math.floor(ranFor / 1000)), exitCode: String(exit.code) })
  container.waiters.tellExit({ StatusCode: exit.code })
  if (restart) scheduleRestart(ctx, container, ranFor)
  if (removes) await attempt(ctx, container, () => removeLocked(ctx, container, { volumes: true }))
}

/** What a run leaves beside its exit: the task, places on networks, mounts. Each step is attempted, whatever becomes of the others. */
export async function takeRunAway(ctx: ContainersContext, container: Container, task: Task | undefined): Promise<void> {
  await Promise.all([endTask(ctx, container, task), releaseEndpoints(ctx, container)])
  await attempt(ctx, container, () => unmountSharedMemory(ctx, container))
  await attempt(ctx, container, () => closeMounts(ctx, container))
}

async function endTask(ctx: ContainersContext, container: Container, task: Task | undefined): Promise<void> {
  await attempt(ctx, container, () => keepProgram(ctx, container))
  await attempt(ctx, container, () => task?.delete())
  await attempt(ctx, container, () => ctx.snapshotter.deactivate(container.id))
}

async function attempt(ctx: ContainersContext, container: Container, act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    ctx.log(`cannot finish the exit of container ${container.id}: ${messageOf(error)}`)
  }
}
