import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { detectLayout } from '../../kernel/cgroup/layout.ts'
import type { CgroupLayout } from '../../kernel/cgroup/layout.ts'
import { prepareOwn, prepareUnit } from '../../kernel/cgroup/managed.ts'
import { oomFile } from '../../kernel/cgroup/oom.ts'
import { prepareParents } from '../../kernel/cgroup/parents.ts'
import { removeIfEmpty } from '../../kernel/cgroup/remove.ts'
import { systemdUnitOf } from '../../kernel/cgroup/systemd-unit.ts'
import { ProgramFailure } from '../../kernel/failure.ts'
import type { Kernel, SpawnedMonitor } from '../../kernel/kernel.ts'
import { mountBind, mountOverlay, unmount } from '../../kernel/mount.ts'
import { mountMappedBind, mountMappedOverlay } from '../../kernel/mapped-mount.ts'
import { encodeProgram } from '../../kernel/program-codec.ts'
import { fileLabel, setFileLabel } from '../../kernel/selinux.ts'
import { GantryError } from '../../lib/errors.ts'
import { compileContainer } from '../../runc/compile-container.ts'
import type { OciSpec } from '../../runc/spec.ts'
import type { StdioPlan } from '../../runc/stdio.ts'
import { openMonitor } from '../../shim/monitor-client.ts'
import type { SnapshotMount } from '../snapshots/contract.ts'
import { writeSpec } from './bundle.ts'
import type { CreateTask, Task, TaskService } from './contract.ts'
import { builtInRuntime } from './built-in-runtime.ts'
import { withNetworkOf } from './checkpoint/own-runtime.ts'
import { namespaceHolder, restoredRuntime, writeRestoreProgram } from './checkpoint/restored-runtime.ts'
import { openForeignRuntime } from './foreign/foreign-runtime.ts'
import { foreignSpec } from './foreign/foreign-spec.ts'
import { foreignFailure, foreignTaskRuntime, writeForeignProgram } from './foreign/foreign-task.ts'
import type { ForeignTask } from './foreign/foreign-task.ts'
import { Mappers } from './mappers.ts'
import { recoverTask } from './recover.ts'
import { startError } from './start-error.ts'
import { makeDirectory, startTimeOf, writeState } from './state.ts'
import type { TaskState } from './state.ts'
import { MonitoredTask, cleanUp } from './task.ts'

export interface OpenTaskService {
  kernel: Kernel
  /** `<exec-root>`; tasks live in `containers/` below it. */
  root: string
  /** New tasks have cgroups of systemd's: `linux.cgroupsPath` of their specification is "slice:prefix:name". */
  systemd?: boolean
}

/** What every task of a service shares. */
export interface TaskSystem {
  kernel: Kernel
  layout: CgroupLayout
  systemd: boolean
  /** States of runtimes that are programs, by name. */
  runtimes: string
  mappers: Mappers
  forget: (id: string) => void
}

export function openTaskService({ kernel, root, systemd = false }: OpenTaskService): TaskService {
  const tasks = new Map<string, Task>()
  const directory = join(root, 'containers')
  const system: TaskSystem = { kernel, layout: detectLayout(), systemd, runtimes: join(root, 'runtimes'), mappers: new Mappers(kernel, join(root, 'mapped-layers')), forget: (id) => tasks.delete(id) }
  makeDirectory(directory)
  unmount(kernel, system.mappers.staging)
  return {
    get: (id) => tasks.get(id),
    list: () => [...tasks.values()],
    create: async (request) => {
      if (tasks.has(request.id)) throw new GantryError('Conflict', `cannot create task ${request.id}: it exists`)
      const task = await createTask(system, join(directory, request.id), request)
      tasks.set(request.id, task)
      return task
    },
    recover: async () => {
      for (const id of readdirSync(directory)) {
        const task = await recoverTask(system, join(directory, id))
        if (task !== undefined) tasks.set(id, task)
      }
      return [...tasks.values()]
    },
    close: () => {
      system.mappers.close()
      if (tasks.size === 0) removeIfEmpty(system.layout, '/docker')
    },
  }
}

async function createTask(system: TaskSystem, directory: string, request: CreateTask): Promise<Task> {
  const { id, mountpoint, stdio } = request
  const state: TaskState = { id, pid: 0, startTime: '', mountpoint, cgroup: `/docker/${id}`, started: false, ...(request.runtime && { runtime: request.runtime }), ...(request.restore !== undefined && { restoring: true }) }
  makeDirectory(directory)
  makeDirectory(mountpoint)
  let command = ''
  let foreign: ForeignTask | undefined
  try {
    mountRoot(system, request, mountpoint)
    const spec = request.runtime === undefined ? request.spec(mountpoint) : foreignSpec(request.spec(mountpoint))
    spec.root = { ...spec.root, path: mountpoint }
    command = spec.process?.args[0] ?? ''
    const placed = await placeTask(system, state, spec)
    writeState(directory, state)
    const bundled = request.restore === undefined ? spec : withNetworkOf({ ...spec, linux: { ...spec.linux, cgroupsPath: spec.linux?.cgroupsPath ?? state.cgroup } }, '/proc/self/ns/net')
    writeSpec(directory, bundled)
    const plan: StdioPlan = { terminal: spec.process?.terminal === true, stdin: stdio.stdin, logPath: stdio.logPath, logRules: stdio.logRules }
    if (request.runtime !== undefined) {
      const runtime = await openForeignRuntime({ ...system, choice: request.runtime, spec })
      foreign = { system, runtime, state, directory }
    }
    const programPath = foreign !== undefined ? writeForeignProgram(foreign, plan, watchedFile(system, state))
      : request.restore === undefined ? writeProgram(system, { directory, spec: placed.spec, state, plan })
      : writeRestoreProgram({ directory, state, spec: bundled, stdio: plan, images: request.restore, watched: watchedFile(system, state) })
    const { pid, executed } = await spawnInCgroup(system, state, programPath).finally(placed.settle)
    state.pid = state.restoring ? namespaceHolder(directory) : pid
    state.startTime = state.restoring ? '' : (startTimeOf(pid) ?? '')
    writeState(directory, state)
    const monitor = await openMonitor({ directory, pid, executed })
    const builtIn = builtInRuntime({ system, state, directory, monitor, command, hooks: spec.hooks })
    const runtime = foreign !== undefined ? foreignTaskRuntime(foreign, monitor) : state.restoring ? restoredRuntime(builtIn, { directory, state, monitor }) : builtIn
    return new MonitoredTask({ system, directory, state, monitor, runtime, paused: false })
  } catch (error) {
    const failure = foreign === undefined ? startError(error, command) : foreignFailure(error, { act: 'create', directory })
    const runtime = foreign && foreignTaskRuntime(foreign, undefined)
    await cleanUp({ system, state, directory, runtime }).catch(() => {}) // the first failure is the one to show
    rmSync(directory, { recursive: true, force: true })
    throw failure
  }
}

/**
 * Decides where the task's cgroup is, and makes what the program or the runtime does not. With systemd that is the cgroup itself,
 * which a foreign runtime has made in its own way.
 */
async function placeTask({ layout, systemd }: TaskSystem, state: TaskState, spec: OciSpec): Promise<{ spec: OciSpec; settle: () => Promise<void> }> {
  const asked = spec.linux?.cgroupsPath
  if (!systemd) {
    state.cgroup = asked ?? state.cgroup
    if (state.runtime === undefined && !state.restoring) prepareOwn(layout, state.cgroup)
    return { spec, settle: async () => {} }
  }
  const unit = systemdUnitOf(asked, state.id, { prefix: 'docker' })
  state.unit = unit
  state.cgroup = unit.path
  if (state.runtime !== undefined || state.restoring) return { spec, settle: async () => {} }
  const { path, resources, settle } = await prepareUnit(layout, unit, { id: state.id, resources: spec.linux?.resources, annotations: spec.annotations })
  state.cgroup = path
  return { spec: { ...spec, linux: { ...spec.linux, resources } }, settle }
}

/** Another engine that stops may take the empty cgroup above ours away after we looked and before the program gets there. */
async function spawnInCgroup({ kernel, layout }: TaskSystem, { cgroup, unit }: TaskState, programPath: string): Promise<SpawnedMonitor> {
  try {
    return await kernel.spawnMonitor({ programPath })
  } catch (error) {
    if (unit !== undefined || !(error instanceof ProgramFailure) || !error.label.startsWith('make cgroup ') || !['ENOENT', 'ENODEV'].includes(error.code)) throw error
    prepareParents(layout, cgroup)
    return kernel.spawnMonitor({ programPath })
  }
}

/** systemd takes an empty cgroup away, and its counters with it; those of others stay until the task is deleted. */
function watchedFile({ layout }: TaskSystem, { unit, cgroup }: TaskState): string | undefined {
  return unit && oomFile(layout, cgroup)
}

function writeProgram(system: TaskSystem, { directory, spec, state, plan }: { directory: string; spec: OciSpec; state: TaskState; plan: StdioPlan }): string {
  const { layout } = system
  const program = compileContainer({ spec, rootfs: spec.root?.path ?? '', layout, cgroupPath: state.cgroup, directory, stdio: plan, watched: watchedFile(system, state) })
  const programPath = join(directory, 'program')
  writeFileSync(programPath, encodeProgram(program))
  return programPath
}

function mountRoot({ kernel, mappers }: TaskSystem, { rootfs, idMaps, mountLabel }: CreateTask, mountpoint: string): void {
  const mount = mountLabel === undefined ? rootfs : withLabel(kernel, rootfs, mountLabel)
  if (idMaps !== undefined) {
    const by = mappers.for(idMaps)
    if (mount.type === 'overlay') mountMappedOverlay(kernel, mountpoint, { overlay: mount, by, staging: mappers.staging })
    else mountMappedBind(kernel, mountpoint, { ...mount, by })
  } else if (mount.type === 'overlay') mountOverlay(kernel, mountpoint, mount)
  else mountBind(kernel, mount.source, mountpoint, mount.readonly)
}

/** A file system that has labels on disk keeps them; there the top stands for the rest. */
function withLabel(kernel: Kernel, mount: SnapshotMount, label: string): SnapshotMount {
  if (mount.type === 'overlay') return { ...mount, options: [...(mount.options ?? []), `context=${label}`] }
  if (fileLabel(kernel, mount.source) !== label) setFileLabel(kernel, mount.source, label)
  return mount
}
