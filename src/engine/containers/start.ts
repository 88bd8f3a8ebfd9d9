import { copyFileSync } from 'node:fs'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { Task } from '../../containerd/tasks/contract.ts'
import { loadAddresses } from '../checkpoints/addresses.ts'
import { checkpointToRestore } from '../checkpoints/checkpoints.ts'
import type { StartFrom } from '../engine.ts'
import { requireProfile } from '../security/apparmor.ts'
import { apparmorProfileOf } from '../spec/security-options.ts'
import { madeSources } from '../spec/user-mounts.ts'
import { connectPending, endPending } from '../attach/pending.ts'
import { containerUsers, giveToRoot, giveUnowned, letThrough, makeDirectoryFor, rootIdentity } from '../user-namespace/container-users.ts'
import { applyCgroupRecord } from './cgroup-record.ts'
import { emitContainerEvent } from './container-events.ts'
import { markRoot } from './container-mark.ts'
import type { Container, RecordedState } from './container.ts'
import type { ContainersContext } from './context.ts'
import { allocateEndpoints, attachEndpoints, releaseEndpoints } from './endpoints.ts'
import { superviseTask } from './exit.ts'
import { resetHealth } from '../health/health-monitors.ts'
import { timed } from '../metrics/timed.ts'
import { joinedContainers } from './joined.ts'
import { prepareFiles } from './network-files.ts'
import { relabelMounts } from './labels.ts'
import { linkEnvironment } from './link-environment.ts'
import { tellLinking } from './linked-hosts.ts'
import { closeMounts, openMounts, type OpenMounts } from './open-mounts.ts'
import { removeLocked } from './remove.ts'
import { mountSharedMemory, unmountSharedMemory } from './shared-memory.ts'
import { startFailure } from './start-failure.ts'
import { now } from './timestamp.ts'

/** Starts a container that a user asked for: restart counting begins anew. */
export async function startContainer(ctx: ContainersContext, container: Container, from?: StartFrom): Promise<void> {
  await container.lock.run(async () => {
    assertStartable(container)
    const images = from && checkpointToRestore(ctx, container, { name: from.checkpoint, directory: from.directory })
    container.restartCount = 0
    container.restartDelay = 0
    container.hasBeenManuallyStopped = false
    await startLocked(ctx, container, images)
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
 * @param images of the checkpoint that it is to be restored from
 */
export function startLocked(ctx: ContainersContext, container: Container, images?: string): Promise<void> {
  return timed('container_actions', 'start', () => startOnce(ctx, container, images))
}

async function startOnce(ctx: ContainersContext, container: Container, images: string | undefined): Promise<void> {
  let task: Task | undefined
  let mounts: OpenMounts | undefined
  let logs: Awaited<ReturnType<ContainersContext['logs']['prepare']>> | undefined
  const before = { ...container.state }
  try {
    const joined = joinedContainers(ctx, container)
    takeHostname(container, joined.network)
    const endpoints = await timed('network_actions', 'allocate', () => allocateEndpoints(ctx, container, images === undefined ? {} : loadAddresses(images)))
    const files = prepareFiles(ctx, container, { endpoints, network: joined.network })
    container.linkEnvironment = linkEnvironment(ctx, container)
    await requireProfile(ctx.kernel, apparmorProfileOf(container.hostConfig, ctx.security))
    const users = containerUsers(container.hostConfig, ctx.security.userRemap, joined)
    const root = rootIdentity(users)
    if (joined.network === undefined) for (const file of Object.values(files)) giveToRoot(file, root)
    for (const source of madeSources(container.hostConfig)) makeDirectoryFor(root, source)
    for (const { Type, Source } of container.mounts) if (Type === 'volume') giveUnowned(Source, root)
    await relabelMounts(ctx, container, joined.network === undefined ? Object.values(files) : [])
    const shmPath = mountSharedMemory(ctx, container, { donor: joined.ipc, root })
    mounts = await openMounts(ctx, container)
    const { sources } = mounts
    logs = await ctx.logs.prepare(container)
    const runtime = ctx.runtimes.choose(container.hostConfig.Runtime || ctx.runtimes.default)
    const mountpoint = ctx.snapshotter.mountpoint(container.id)
    if (users !== undefined && runtime !== undefined) letThrough(root, ctx.dataRoot, mountpoint)
    await ctx.snapshotter.activate(container.id)
    task = await ctx.tasks.create({
      id: container.id,
      spec: (rootfs) => {
        markRoot(rootfs)
        return ctx.specs.build(container, { rootfs, files, shmPath, sources, joined: pidsOf(joined), users })
      },
      ...(users === undefined ? {} : { idMaps: users }),
      ...(container.labels && ctx.security.selinux ? { mountLabel: container.labels.mount } : {}),
      rootfs: ctx.snapshotter.mount(container.id),
      mountpoint,
      runtime,
      restore: images,
      stdio: { stdin: container.config.OpenStdin ?? false, logPath: logs.logPath, logRules: logs.logRules },
    })
    if (images === undefined) await applyCgroupRecord(container, task)
    const { pid } = task
    await timed('network_actions', 'connect', () => attachEndpoints(ctx, container, { pid, endpoints }))
    await connectPending(container, task)
    markRunning(container, task)
    tellLinking(ctx, container)
    ctx.store.save(container)
    await task.start()
    if (images !== undefined) await settleRestored(ctx, container, task)
    logs.begin()
  } catch (error) {
    logs?.undo()
    throw await undoStart(ctx, container, { task, error, before })
  } finally {
    mounts?.close()
  }
  container.task = task
  emitContainerEvent(ctx, container, 'start')
  superviseTask(ctx, container, task)
  ctx.health.begin(container)
}

/** Its processes and its cgroup have come with the start. */
async function settleRestored(ctx: ContainersContext, container: Container, task: Task): Promise<void> {
  await applyCgroupRecord(container, task)
  container.state.Pid = task.pid
  ctx.store.save(container)
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
  resetHealth(container)
}

async function undoStart(ctx: ContainersContext, container: Container, failed: { task: Task | undefined; error: unknown; before: RecordedState }): Promise<GantryError> {
  const failure = startFailure(failed.error)
  await quietly(ctx, () => keepProgram(ctx, container))
  await quietly(ctx, () => failed.task?.delete())
  await quietly(ctx, () => ctx.snapshotter.deactivate(container.id))
  await releaseEndpoints(ctx, container)
  await quietly(ctx, () => unmountSharedMemory(ctx, container))
  await quietly(ctx, () => closeMounts(ctx, container))
  container.state = { ...failed.before, Running: false, Restarting: false, Pid: 0, Error: failure.message, ExitCode: failure.exitCode }
  endPending(container)
  await quietly(ctx, () => ctx.store.save(container))
  if (container.hostConfig.AutoRemove) await quietly(ctx, () => removeLocked(ctx, container, { volumes: true }))
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

function pidsOf(joined: ReturnType<typeof joinedContainers>): { network?: number; ipc?: number; pid?: number } {
  return { network: joined.network?.state.Pid, ipc: joined.ipc?.state.Pid, pid: joined.pid?.state.Pid }
}
