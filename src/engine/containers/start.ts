import { copyFileSync, mkdirSync } from 'node:fs'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { Task } from '../../containerd/tasks/contract.ts'
import { bindSources } from '../spec/user-mounts.ts'
import { connectPending, endPending } from '../attach/pending.ts'
import { emitContainerEvent } from './container-events.ts'
import type { Container, RecordedState } from './container.ts'
import type { ContainersContext } from './context.ts'
import { allocateEndpoints, attachEndpoints, releaseEndpoints } from './endpoints.ts'
import { superviseTask } from './exit.ts'
import { joinedContainers } from './joined.ts'
import { prepareFiles } from './network-files.ts'
import { logPath } from './record-file.ts'
import { removeLocked } from './remove.ts'
import { mountSharedMemory, unmountSharedMemory } from './shared-memory.ts'
import { startFailure } from './start-failure.ts'
import { now } from './timestamp.ts'

/** Starts a container that a user asked for: restart counting begins anew. */
export async function startContainer(ctx: ContainersContext, container: Container): Promise<void> {
  await container.lock.run(async () => {
    assertStartable(container)
    container.restartCount = 0
    container.restartDelay = 0
    container.hasBeenManuallyStopped = false
    await startLocked(ctx, container)
  })
}

function assertStartable(container: Container): void {
  const { state } = container
  if (container.removed || state.RemovalInProgress || state.Dead) {
    throw new GantryError('Conflict', 'container is marked for removal and cannot be started')
  }
  if (state.Paused) throw new GantryError('Conflict', 'cannot start a paused container, try unpause instead')
  if (state.Running) throw new GantryError('NotModified', 'Container is already started')
}

/**
 * The start itself, under the container's lock. One write to disk, between creation and start of the process: it
 * names the endpoints, so that a new engine knows what belongs to the task it finds.
 */
export async function startLocked(ctx: ContainersContext, container: Container): Promise<void> {
  let task: Task | undefined
  const before = { ...container.state }
  try {
    const joined = joinedContainers(ctx, container)
    takeHostname(container, joined.network)
    const endpoints = await allocateEndpoints(ctx, container)
    const files = prepareFiles(ctx, container, { endpoints, network: joined.network })
    for (const { source } of bindSources(container.hostConfig)) mkdirSyncIfMissing(source)
    const shmPath = mountSharedMemory(ctx, container, joined.ipc)
    const paths = ctx.store.paths(container.id)
    task = await ctx.tasks.create({
      id: container.id,
      spec: (rootfs) => ctx.specs.build(container, { rootfs, files, shmPath, joined: pidsOf(joined) }),
      rootfs: ctx.snapshotter.mount(container.id),
      mountpoint: ctx.snapshotter.mountpoint(container.id),
      runtime: ctx.runtimes.choose(container.hostConfig.Runtime || ctx.runtimes.default),
      stdio: { stdin: container.config.OpenStdin ?? false, logPath: logPath(container, paths) || undefined },
    })
    await attachEndpoints(ctx, container, { pid: task.pid, endpoints })
    await connectPending(container, task)
    markRunning(container, task)
    ctx.store.save(container)
    await task.start()
  } catch (error) {
    throw await undoStart(ctx, container, { task, error, before })
  }
  container.task = task
  emitContainerEvent(ctx, container, 'start')
  superviseTask(ctx, container, task)
}

/** Who shares a network shares its name on it. */
function takeHostname(container: Container, owner: Container | undefined): void {
  if (owner === undefined) return
  container.config.Hostname = owner.config.Hostname
  container.config.Domainname = owner.config.Domainname
}

function markRunning(container: Container, task: Task): void {
  Object.assign(container.state, {
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Pid: task.pid,
    ExitCode: 0,
    Error: '',
    StartedAt: now(),
  })
  container.hasBeenStartedBefore = true
}

async function undoStart(ctx: ContainersContext, container: Container, failed: { task: Task | undefined; error: unknown; before: RecordedState }): Promise<GantryError> {
  const failure = startFailure(failed.error)
  await quietly(ctx, () => keepProgram(ctx, container))
  await quietly(ctx, () => failed.task?.delete())
  await releaseEndpoints(ctx, container)
  await quietly(ctx, () => unmountSharedMemory(ctx, container))
  container.state = { ...failed.before, Running: false, Restarting: false, Pid: 0, Error: failure.message, ExitCode: failure.exitCode }
  endPending(container)
  await quietly(ctx, () => ctx.store.save(container))
  if (container.hostConfig.AutoRemove) await quietly(ctx, () => removeLocked(ctx, container))
  return failure
}

/** Clean-up after a failure never hides that failure. */
async function quietly(ctx: ContainersContext, act: () => unknown): Promise<void> {
  try {
    await act()
  } catch (error) {
    ctx.log(`cannot clean up after a failed start: ${messageOf(error)}`)
  }
}

/** The exec root goes with the task; `explain` wants the program after that too. */
export function keepProgram(ctx: ContainersContext, container: Container): void {
  if (container.hostConfig.AutoRemove) return
  try {
    copyFileSync(`${ctx.execRoot}/containers/${container.id}/program`, ctx.store.paths(container.id).program)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function mkdirSyncIfMissing(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 })
  } catch (error) {
    // A file (or anything else that is there) is as good a source as a directory.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function pidsOf(joined: ReturnType<typeof joinedContainers>): { network?: number; ipc?: number; pid?: number } {
  return { network: joined.network?.state.Pid, ipc: joined.ipc?.state.Pid, pid: joined.pid?.state.Pid }
}
