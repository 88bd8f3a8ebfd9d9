import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { detectLayout } from '../../kernel/cgroup/layout.ts'
import type { CgroupLayout } from '../../kernel/cgroup/layout.ts'
import { prepareParents } from '../../kernel/cgroup/parents.ts'
import { removeIfEmpty } from '../../kernel/cgroup/remove.ts'
import { ProgramFailure } from '../../kernel/failure.ts'
import type { Kernel, SpawnedMonitor } from '../../kernel/kernel.ts'
import { mountBind, mountOverlay } from '../../kernel/mount.ts'
import { encodeProgram } from '../../kernel/program-codec.ts'
import { GantryError } from '../../lib/errors.ts'
import { compileContainer } from '../../runc/compile-container.ts'
import type { OciSpec } from '../../runc/spec.ts'
import type { StdioPlan } from '../../runc/stdio.ts'
import { openMonitor } from '../../shim/monitor-client.ts'
import type { SnapshotMount } from '../snapshots/contract.ts'
import { writeSpec } from './bundle.ts'
import type { CreateTask, Task, TaskService } from './contract.ts'
import { builtInRuntime } from './built-in-runtime.ts'
import { openForeignRuntime } from './foreign/foreign-runtime.ts'
import { foreignSpec } from './foreign/foreign-spec.ts'
import { foreignFailure, foreignTaskRuntime, writeForeignProgram } from './foreign/foreign-task.ts'
import type { ForeignTask } from './foreign/foreign-task.ts'
import { recoverTask } from './recover.ts'
import { startError } from './start-error.ts'
import { makeDirectory, startTimeOf, writeState } from './state.ts'
import type { TaskState } from './state.ts'
import { MonitoredTask, cleanUp } from './task.ts'

export interface OpenTaskService {
  kernel: Kernel
  /** `<exec-root>`; tasks live in `containers/` below it. */
  root: string
}

/** What every task of a service shares. */
export interface TaskSystem {
  kernel: Kernel
  layout: CgroupLayout
  /** States of runtimes that are programs, by name. */
  runtimes: string
  forget: (id: string) => void
}

export function openTaskService({ kernel, root }: OpenTaskService): TaskService {
  const tasks = new Map<string, Task>()
  const directory = join(root, 'containers')
  const system: TaskSystem = { kernel, layout: detectLayout(), runtimes: join(root, 'runtimes'), forget: (id) => tasks.delete(id) }
  makeDirectory(directory)
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
      if (tasks.size === 0) removeIfEmpty(system.layout, '/docker')
    },
  }
}

async function createTask(system: TaskSystem, directory: string, request: CreateTask): Promise<Task> {
  const { id, mountpoint, stdio } = request
  const state: TaskState = { id, pid: 0, startTime: '', mountpoint, cgroup: `/docker/${id}`, started: false, ...(request.runtime && { runtime: request.runtime }) }
  makeDirectory(directory)
  makeDirectory(mountpoint)
  let command = ''
  let foreign: ForeignTask | undefined
  try {
    mountRoot(system.kernel, request.rootfs, mountpoint)
    const spec = request.runtime === undefined ? request.spec(mountpoint) : foreignSpec(request.spec(mountpoint))
    spec.root = { ...spec.root, path: mountpoint }
    state.cgroup = spec.linux?.cgroupsPath ?? state.cgroup
    command = spec.process?.args[0] ?? ''
    writeState(directory, state)
    writeSpec(directory, spec)
    const plan: StdioPlan = { terminal: spec.process?.terminal === true, stdin: stdio.stdin, ...(stdio.logPath === undefined ? {} : { logPath: stdio.logPath }) }
    if (request.runtime !== undefined) {
      const runtime = await openForeignRuntime({ ...system, choice: request.runtime, spec })
      foreign = { system, runtime, state, directory }
    }
    const programPath = foreign === undefined ? writeProgram(system, { directory, spec, cgroup: state.cgroup, plan }) : writeForeignProgram(foreign, plan)
    const { pid, executed } = await spawnInCgroup(system, state.cgroup, programPath)
    state.pid = pid
    state.startTime = startTimeOf(pid) ?? ''
    writeState(directory, state)
    const monitor = await openMonitor({ directory, pid, executed })
    const runtime = foreign === undefined ? builtInRuntime({ system, state, monitor, command }) : foreignTaskRuntime(foreign, monitor)
    return new MonitoredTask({ system, directory, state, monitor, runtime, paused: false })
  } catch (error) {
    const failure = foreign === undefined ? startError(error, command) : foreignFailure(error, { act: 'create', directory })
    const runtime = foreign && foreignTaskRuntime(foreign, undefined)
    await cleanUp({ system, state, directory, runtime }).catch(() => {}) // the first failure is the one to show
    rmSync(directory, { recursive: true, force: true })
    throw failure
  }
}

/** Another engine that stops may take the empty cgroup above ours away after we looked and before the program gets there. */
async function spawnInCgroup({ kernel, layout }: TaskSystem, cgroup: string, programPath: string): Promise<SpawnedMonitor> {
  try {
    return await kernel.spawnMonitor({ programPath })
  } catch (error) {
    if (!(error instanceof ProgramFailure) || !error.label.startsWith('make cgroup ') || !['ENOENT', 'ENODEV'].includes(error.code)) throw error
    prepareParents(layout, cgroup)
    return kernel.spawnMonitor({ programPath })
  }
}

function writeProgram(system: TaskSystem, { directory, spec, cgroup, plan }: { directory: string; spec: OciSpec; cgroup: string; plan: StdioPlan }): string {
  const { layout } = system
  prepareParents(layout, cgroup)
  const program = compileContainer({ spec, rootfs: spec.root?.path ?? '', layout, cgroupPath: cgroup, directory, stdio: plan })
  const programPath = join(directory, 'program')
  writeFileSync(programPath, encodeProgram(program))
  return programPath
}

function mountRoot(kernel: Kernel, mount: SnapshotMount, mountpoint: string): void {
  if (mount.type === 'overlay') mountOverlay(kernel, mountpoint, mount)
  else mountBind(kernel, mount.source, mountpoint, mount.readonly)
}
