import { rmSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { endManaged, updateManaged, writeManaged, type ManagedCgroup } from '../../kernel/cgroup/managed.ts'
import { keepCgroupFiles } from '../../kernel/cgroup/kept-files.ts'
import { listProcesses } from '../../kernel/cgroup/processes.ts'
import { killsIn, oomKills } from '../../kernel/cgroup/oom.ts'
import { followOom } from '../../kernel/cgroup/oom-watch.ts'
import { readPressure, type Pressures } from '../../kernel/cgroup/pressure.ts'
import { readUsage } from '../../kernel/cgroup/usage.ts'
import type { CgroupUsage } from '../../kernel/cgroup/usage.ts'
import { readCgroupValues, type CgroupValue } from '../../kernel/cgroup/values.ts'
import { unmount } from '../../kernel/mount.ts'
import { GantryError } from '../../lib/errors.ts'
import type { OciResources } from '../../runc/spec.ts'
import { readWatched } from '../../shim/monitor-client.ts'
import type { AttachOptions, Monitor } from '../../shim/monitor.ts'
import { readSpec, withResources, writeSpec } from './bundle.ts'
import type { CheckpointTask, ExecProcess, ExecTask, Task, TaskExit, UsageReader } from './contract.ts'
import { execDirectory } from './recover-execs.ts'
import type { TaskSystem } from './service.ts'
import { writeState } from './state.ts'
import type { TaskRuntime } from './task-runtime.ts'
import type { TaskState } from './state.ts'

const SIGKILL = 9

export interface TaskParts {
  system: TaskSystem
  directory: string
  state: TaskState
  monitor: Monitor
  runtime: TaskRuntime
  paused: boolean
}

/** One container's processes. All that must survive is in its directory; this object is a view of it. */
export class MonitoredTask implements Task {
  readonly #parts: TaskParts
  readonly #execs = new Map<string, ExecProcess>()
  readonly #exit: Promise<TaskExit>
  #stopped = false
  #paused: boolean
  #deleted: Promise<TaskExit> | undefined

  constructor(parts: TaskParts) {
    this.#parts = parts
    this.#paused = parts.paused
    this.#exit = parts.monitor.wait().then((exit) => {
      this.#stopped = true
      return { ...exit, oomKilled: wasKilledForMemory(parts) }
    })
  }

  get id(): string {
    return this.#parts.state.id
  }

  get pid(): number {
    return this.#parts.state.pid
  }

  get status(): Task['status'] {
    if (this.#stopped) return 'stopped'
    if (!this.#parts.state.started) return 'created'
    return this.#paused ? 'paused' : 'running'
  }

  async start(): Promise<void> {
    const { state, directory, runtime } = this.#parts
    if (state.started) throw new GantryError('Conflict', `cannot start task ${this.id}: it is ${this.status}`)
    // Recorded first: a task found unstarted is thrown away, one that runs must not be.
    state.started = true
    writeState(directory, state)
    await runtime.start()
  }

  attach(options: AttachOptions): Promise<Duplex> {
    return this.#parts.monitor.attach(options)
  }

  signal(signal: number): Promise<void> {
    return this.#parts.runtime.signal(signal)
  }

  resize(size: { width: number; height: number }): Promise<void> {
    return this.#parts.monitor.resize(size)
  }

  wait(): Promise<TaskExit> {
    return this.#exit
  }

  async exec(request: ExecTask): Promise<ExecProcess> {
    if (this.status !== 'running') throw new GantryError('Conflict', `cannot exec in task ${this.id}: it is ${this.status}`)
    if (this.#execs.has(request.execId)) throw new GantryError('Conflict', `cannot exec in task ${this.id}: exec ${request.execId} exists`)
    const { directory, runtime } = this.#parts
    const created = await runtime.exec({ directory: execDirectory(directory, request.execId), request, forget: () => this.#execs.delete(request.execId) })
    this.#execs.set(request.execId, created)
    return created
  }

  getExec(execId: string): ExecProcess | undefined {
    return this.#execs.get(execId)
  }

  pids(): number[] {
    return listProcesses(this.#parts.system.layout, this.#parts.state.cgroup)
  }

  usage(): CgroupUsage {
    return readUsage(this.#parts.system.layout, this.#parts.state.cgroup)
  }

  openUsage(): UsageReader {
    const { system: { layout }, state: { cgroup } } = this.#parts
    const files = keepCgroupFiles(layout, cgroup)
    return { usage: () => readUsage(layout, cgroup, files.read), pressure: () => readPressure(layout, cgroup, files.read), close: () => files.close() }
  }

  followOom(tell: () => void): () => void {
    return followOom(this.#parts.system.layout, this.#parts.state.cgroup, tell)
  }

  pressure(): Pressures {
    return readPressure(this.#parts.system.layout, this.#parts.state.cgroup)
  }

  cgroupValues(): CgroupValue[] {
    return readCgroupValues(this.#parts.system.layout, this.#parts.state.cgroup)
  }

  setCgroupValues(values: Readonly<Record<string, string>>): Promise<void> {
    return writeManaged(this.#parts.system.layout, cgroupOf(this.#parts.state), values)
  }

  async update(resources: OciResources): Promise<void> {
    const { system, state, directory } = this.#parts
    if (this.#stopped) throw new GantryError('Conflict', `cannot update task ${this.id}: it is stopped`)
    const spec = readSpec(directory)
    await updateManaged(system.layout, cgroupOf(state), spec?.linux?.resources ?? {}, resources)
    if (spec !== undefined) writeSpec(directory, withResources(spec, resources))
  }

  async pause(): Promise<void> {
    await this.#parts.runtime.pause()
    this.#paused = true
  }

  async resume(): Promise<void> {
    await this.#parts.runtime.resume()
    this.#paused = false
  }

  async checkpoint(request: CheckpointTask): Promise<void> {
    if (this.status !== 'running' && this.status !== 'paused') throw new GantryError('Conflict', `cannot checkpoint task ${this.id}: it is ${this.status}`)
    await this.#parts.runtime.checkpoint(request)
  }

  delete(): Promise<TaskExit> {
    this.#deleted ??= this.#delete()
    return this.#deleted
  }

  async #delete(): Promise<TaskExit> {
    const { system, monitor, state, directory, runtime } = this.#parts
    if (!this.#stopped) await this.#end()
    const exit = await this.#exit
    await Promise.allSettled([...this.#execs.values()].map((process) => process.delete()))
    monitor.close()
    await cleanUp({ system, state, directory, runtime })
    system.forget(this.id)
    return exit
  }

  async #end(): Promise<void> {
    if (this.#paused) await this.resume().catch(() => {}) // a frozen process cannot die
    await this.#parts.monitor.signal(SIGKILL).catch(() => {}) // gone already
  }
}

/** systemd has taken the cgroup away perhaps: then it is what the monitor saw last. */
function wasKilledForMemory({ system, directory, state }: TaskParts): boolean {
  return oomKills(system.layout, state.cgroup) > 0 || killsIn(readWatched(directory) ?? '') > 0
}

function cgroupOf({ cgroup, unit }: TaskState): ManagedCgroup {
  return { path: cgroup, ...(unit && { unit }) }
}

/** Removes everything of a task but its layers; each step is idempotent, a failing one does not keep the others from running. */
export async function cleanUp({ system, state, directory, runtime }: Pick<TaskParts, 'system' | 'state' | 'directory'> & { runtime: TaskRuntime | undefined }): Promise<void> {
  const failures: unknown[] = []
  const steps: (() => Promise<void> | void)[] = [
    () => runtime?.remove(),
    () => endManaged(system.layout, cgroupOf(state)),
    () => unmount(system.kernel, state.mountpoint),
    () => rmSync(directory, { recursive: true, force: true }),
  ]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new GantryError('System', `cannot clean up task ${state.id}: ${failures.map(String).join('; ')}`, { cause: failures[0] })
}
