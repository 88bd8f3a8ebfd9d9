import { unmount } from '../../kernel/mount.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { Task } from '../../containerd/tasks/contract.ts'
import { sweepCheckpoints } from '../checkpoints/place.ts'
import { emitContainerEvent } from './container-events.ts'
import { liveContainer } from './container.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { releaseEndpoints, resolveNames } from './endpoints.ts'
import { handleExit, superviseTask, takeRunAway } from './exit.ts'
import { volumeNames } from './mounts.ts'
import { adoptMounts, closeMounts } from './open-mounts.ts'
import { removeLocked } from './remove.ts'
import { scheduleRestart } from './restart-later.ts'
import { startsWithEngine } from './restart-policy.ts'
import { unmountSharedMemory } from './shared-memory.ts'
import { startLocked } from './start.ts'
import { sweepOrphans } from './sweep.ts'
import { Waiters } from './waiters.ts'

/** Status of a container whose processes went without anybody seeing it (the host was switched off). */
const lostExitCode = 255

/**
 * Finds everything again that an earlier engine left: containers on disk, their tasks, their endpoints. Finishes what was
 * half done, handles exits that nobody saw, applies restart policies and --rm. Tasks and networks were recovered before.
 */
export async function recoverContainers(ctx: ContainersContext): Promise<void> {
  const kept = await loadContainers(ctx)
  const tasks = await adoptTasks(ctx)
  for (const id of tasks.keys()) adoptMounts(ctx, ctx.registry.get(id))
  await sweepOrphans(ctx, kept)
  const containers = ctx.registry.all().toSorted((one, other) => (one.created < other.created ? -1 : 1))
  await Promise.all(containers.map((container) => settle(ctx, container, tasks.get(container.id))))
  void startPolicies(ctx, containers)
}

/** @returns ids on disk that are none of this engine's containers and must be left alone */
async function loadContainers(ctx: ContainersContext): Promise<Set<string>> {
  const { records, setAside } = ctx.store.load()
  const snapshots = new Set(ctx.snapshotter.keys())
  for (const record of records) {
    for (const name of volumeNames(record)) ctx.volumes.store.refer(name, record.id)
    // A kill came between the switch and this container's record.
    if (ctx.movedFrom?.includes(record.driver) && snapshots.has(record.id)) record.driver = ctx.snapshotter.name
    if (record.driver !== ctx.snapshotter.name) {
      ctx.log(`container ${record.id} belongs to storage driver ${record.driver}: it is not shown`)
      setAside.add(record.id)
    } else if (snapshots.has(record.id)) {
      const container = liveContainer(record, new Waiters())
      container.name = uniqueName(ctx, container)
      for (const name of sweepCheckpoints(`${ctx.store.paths(record.id).directory}/checkpoints`)) ctx.log(`removing half-made checkpoint ${name} of container ${record.id}`)
      ctx.registry.add(container)
    } else {
      ctx.log(`removing container ${record.id}: its file system is gone`)
      for (const name of volumeNames(record)) ctx.volumes.store.release(name, record.id)
      ctx.store.forget(record.id)
      await ctx.store.sweep(record.id)
    }
  }
  return setAside
}

function uniqueName(ctx: ContainersContext, container: Container): string {
  try {
    return ctx.registry.reserveName(container.name, container.id)
  } catch (error) {
    if (!(error instanceof GantryError)) throw error
    const name = ctx.registry.reserveName(undefined, container.id)
    ctx.log(`container ${container.id} is now called ${name}: ${error.message}`)
    return name
  }
}

/** Tasks without a container are rubbish of an interrupted removal, tasks that were never started are of an interrupted start. */
async function adoptTasks(ctx: ContainersContext): Promise<Map<string, Task>> {
  const adopted = new Map<string, Task>()
  for (const task of ctx.tasks.list()) {
    const container = ctx.registry.find(task.id)
    if (container !== undefined && (task.status !== 'created' || awaitsStart(container, task))) {
      adopted.set(task.id, task)
      continue
    }
    ctx.log(`removing task ${task.id}: ${task.status === 'created' ? 'it was never started' : 'it has no container'}`)
    try {
      await task.delete()
    } catch (error) {
      ctx.log(`cannot remove task ${task.id}: ${messageOf(error)}`)
    }
  }
  return adopted
}

/** The start got as far as its write to disk, which comes when all is ready: its process has only to be let go. */
function awaitsStart({ state }: Container, { pid }: Task): boolean {
  return state.Running && !state.Restarting && state.Pid === pid
}

async function settle(ctx: ContainersContext, container: Container, task: Task | undefined): Promise<void> {
  await container.lock.run(async () => {
    const { state } = container
    // A task that was killed before it wrote a word may have mounted its root.
    if (task === undefined) unmount(ctx.kernel, ctx.snapshotter.mountpoint(container.id))
    else if (task.status === 'created') await letGo(ctx, container, task)
    if (task !== undefined && task.status !== 'stopped') {
      Object.assign(state, { Running: true, Restarting: false, Paused: task.status === 'paused', Pid: task.pid })
      superviseTask(ctx, container, task)
      ctx.logs.recover(container)
      await resolveNames(ctx, container, task.pid)
      if (!state.Paused) ctx.health.begin(container)
    } else if (task !== undefined && state.Running && !state.Restarting) {
      ctx.logs.recover(container)
      await handleExit(ctx, container, { task, exit: await task.wait() })
    } else if (state.Restarting) {
      if (task !== undefined) await finishExit(ctx, container, task)
      scheduleRestart(ctx, container, 0)
    } else if (state.Running) {
      ctx.logs.recover(container)
      await handleExit(ctx, container, { task: undefined, exit: { code: lostExitCode, exitedAt: Date.now(), oomKilled: false } })
    } else {
      ctx.logs.recover(container)
      if (task !== undefined) await finishExit(ctx, container, task)
      await ctx.snapshotter.deactivate(container.id)
      if (Object.values(container.networks).some(({ EndpointID }) => EndpointID)) await releaseEndpoints(ctx, container)
      unmountSharedMemory(ctx, container)
      await closeMounts(ctx, container)
      const goes = container.hostConfig.AutoRemove || state.Dead || state.RemovalInProgress
      if (goes && !container.removed) await removeAgain(ctx, container)
    }
  })
}

/** The exit is on disk, its run was not taken away. */
async function finishExit(ctx: ContainersContext, container: Container, task: Task): Promise<void> {
  await takeRunAway(ctx, container, task)
  ctx.store.save(container)
}

/** A command that cannot be executed shows as an exit with 126 or 127 at once. */
async function letGo(ctx: ContainersContext, container: Container, task: Task): Promise<void> {
  try {
    await task.start()
    emitContainerEvent(ctx, container, 'start')
  } catch (error) {
    ctx.log(`cannot go on with the start of container ${container.id}: ${messageOf(error)}`)
  }
}

/** What could not be removed once may still not be: the container stays, dead, and the engine starts. */
async function removeAgain(ctx: ContainersContext, container: Container): Promise<void> {
  try {
    await removeLocked(ctx, container, { volumes: container.hostConfig.AutoRemove === true })
  } catch (error) {
    ctx.log(messageOf(error))
  }
}

/** In the order of creation, for later ones may join earlier ones. */
async function startPolicies(ctx: ContainersContext, containers: readonly Container[]): Promise<void> {
  for (const container of containers) {
    try {
      await container.lock.run(async () => {
        if (!container.removed && !container.state.Running && startsWithEngine(container)) await startLocked(ctx, container)
      })
    } catch (error) {
      ctx.log(`cannot start container ${container.id} with the engine: ${messageOf(error)}`)
    }
  }
}
