import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DebugTerminal, RunStep, StepRunner } from '../../build/contract.ts'
import type { Snapshotter } from '../../containerd/snapshots/contract.ts'
import type { Task, TaskService } from '../../containerd/tasks/contract.ts'
import { joinTerminal } from './join-terminal.ts'
import { stepOutput } from './step-output.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { OciSpec } from '../../runc/spec.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { Endpoint, NetworkService } from '../../net/contract.ts'
import { initialState, type Container, type ContainerRecord } from '../containers/container.ts'
import type { DefaultDns } from '../containers/context.ts'
import type { ContainerSpecs } from '../containers/oci.ts'
import type { Runtimes } from '../containers/runtimes.ts'
import { startFailure } from '../containers/start-failure.ts'
import { now } from '../containers/timestamp.ts'
import { requireProfile } from '../security/apparmor.ts'
import type { SecurityDefaults } from '../security/defaults.ts'
import { apparmorProfileOf } from '../spec/security-options.ts'
import { containerUsers, giveToRoot, letThrough, rootIdentity } from '../user-namespace/container-users.ts'
import { findMissing, removeMade, type MountPoints } from './mount-points.ts'
import { writeStepFiles } from './step-files.ts'
import { stepHostConfig } from './step-host-config.ts'

export interface StepRunnerParts {
  kernel: Kernel
  dataRoot: string
  /** `<exec-root>/build` */
  runtimeDir: string
  snapshotter: Snapshotter
  tasks: TaskService
  networks: NetworkService
  specs: ContainerSpecs
  runtimes: Runtimes
  security: SecurityDefaults
  dns: DefaultDns
  /** For the network "container:x". @throws NotFound */
  container: (ref: string) => Container
  log: (line: string) => void
}

/** Runs steps of builds as containers that nobody else sees: the same specification, task service and networks. */
export function createStepRunner(parts: StepRunnerParts): StepRunner {
  return { run: (step, output, signal) => new StepRun(parts, step).run(output, signal), shell: (step, terminal, signal) => new StepRun(parts, step).shell(terminal, signal) }
}

class StepRun {
  readonly #parts: StepRunnerParts
  readonly #step: RunStep
  readonly #undo: (() => unknown)[] = []
  #mountPoints: MountPoints = { missing: [], touched: [] }

  constructor(parts: StepRunnerParts, step: RunStep) {
    this.#parts = parts
    this.#step = step
  }

  async run(output: (stream: 1 | 2, data: Uint8Array) => void, signal: AbortSignal): ReturnType<StepRunner['run']> {
    let failed = true
    try {
      const { task, kill } = await this.#createKillable(signal)
      const session = await task.attach({ stdin: false, stdout: true, stderr: true, closeStdin: false })
      const drained = stepOutput(session, output)
      signal.throwIfAborted()
      await this.#start(task)
      if (signal.aborted) kill()
      const exit = await task.wait()
      await drained
      signal.throwIfAborted()
      removeMade(this.#parts.kernel, this.#parts.snapshotter.mountpoint(this.#step.key), this.#mountPoints)
      failed = false
      return { exitCode: exit.code, oomKilled: exit.oomKilled }
    } finally {
      await this.#end(failed)
    }
  }

  /** The place of what failed is taken by a shell, whose changes go with the snapshot. */
  async shell(terminal: DebugTerminal, signal: AbortSignal): Promise<void> {
    try {
      const { task, kill } = await this.#createKillable(signal)
      const session = await task.attach({ stdin: true, stdout: true, stderr: true, closeStdin: false })
      this.#undo.push(() => session.destroy())
      await this.#start(task)
      if (signal.aborted) kill()
      void joinTerminal(terminal, { session, resize: (size) => task.resize(size) }).finally(kill)
      await task.wait()
    } finally {
      await this.#end(true)
    }
  }

  /** Killed when nobody wants it any more. */
  async #createKillable(signal: AbortSignal): Promise<{ task: Task; kill: () => void }> {
    signal.throwIfAborted()
    const task = await this.#create()
    const kill = (): void => void task.signal(9).catch(() => undefined)
    signal.addEventListener('abort', kill, { once: true })
    this.#undo.push(() => signal.removeEventListener('abort', kill))
    return { task, kill }
  }

  async #start(task: Task): Promise<void> {
    try {
      await task.start()
    } catch (error) {
      throw startFailure(error)
    }
  }

  async #create(): Promise<Task> {
    const { kernel, dataRoot, runtimeDir, snapshotter, tasks, specs, runtimes, security, networks, dns } = this.#parts
    const { key } = this.#step
    const hostConfig = stepHostConfig(this.#step, { resolve: (ref) => this.#parts.container(ref).id, runtime: runtimes.default })
    const mode = hostConfig.NetworkMode ?? ''
    const joined = mode.startsWith('container:') ? this.#parts.container(mode.slice('container:'.length)) : undefined
    if (joined !== undefined && !joined.state.Running) throw new GantryError('Conflict', `cannot join network of a non running container: ${joined.id}`)
    const record = this.#record(hostConfig)
    await requireProfile(kernel, apparmorProfileOf(hostConfig, security))
    const endpoints = await this.#allocate(mode)
    const directory = join(runtimeDir, 'steps', key)
    this.#undo.push(() => rm(directory, { recursive: true, force: true }))
    const files = writeStepFiles({ directory, hostname: record.config.Hostname ?? '', networks, dns, defaults: this.#step.defaults, sharesHostNetwork: mode === 'host', endpoints })
    const users = containerUsers(hostConfig, security.userRemap, joined === undefined ? {} : { network: joined })
    const root = rootIdentity(users)
    for (const file of Object.values(files)) giveToRoot(file, root)
    const runtime = runtimes.choose(hostConfig.Runtime ?? runtimes.default)
    await snapshotter.activate(key)
    this.#undo.push(() => snapshotter.deactivate(key))
    const mountpoint = snapshotter.mountpoint(key)
    if (users !== undefined && runtime !== undefined) letThrough(root, dataRoot, mountpoint)
    const task = await tasks.create({
      id: key,
      spec: (rootfs) => this.#spec(specs.build(record, { rootfs, files, shmPath: undefined, joined: joined && { network: joined.state.Pid }, ...(users && { users }) }), rootfs),
      ...(users && { idMaps: users }),
      rootfs: snapshotter.mount(key),
      mountpoint,
      ...(runtime && { runtime }),
      stdio: { stdin: this.#step.config.OpenStdin ?? false },
    }).catch((error: unknown) => {
      throw startFailure(error)
    })
    this.#undo.push(() => task.delete())
    await this.#attach(task.pid, endpoints, mode)
    return task
  }

  /** The last moment at which the root file system is as the step before has left it. */
  #spec(spec: OciSpec, rootfs: string): OciSpec {
    this.#mountPoints = findMissing(this.#parts.kernel, rootfs, (spec.mounts ?? []).map(({ destination }) => destination))
    return spec
  }

  #record(hostConfig: ContainerRecord['hostConfig']): ContainerRecord {
    const { key, config } = this.#step
    const [path = '', ...args] = config.Entrypoint ?? []
    const fields = { name: `build-${key.slice(0, 12)}`, created: now(), imageId: '', driver: this.#parts.snapshotter.name, networks: {}, ports: {}, mounts: [] }
    return { id: key, path, args, config: { ...config, Hostname: 'buildkitsandbox' }, hostConfig, state: initialState(), restartCount: 0, hasBeenStartedBefore: false, hasBeenManuallyStopped: false, ...fields }
  }

  async #allocate(mode: string): Promise<Endpoint[]> {
    const { networks } = this.#parts
    if (mode === 'host' || mode === 'none' || mode.startsWith('container:')) return []
    // An engine without a default bridge.
    if (mode === 'bridge' && !networks.list().some(({ name }) => name === mode)) return []
    const network = networks.get(mode)
    if (network.driver === 'host' || network.driver === 'null') return []
    const { key } = this.#step
    const endpoint = await networks.allocate({ networkId: network.id, containerId: key, containerName: `build-${key.slice(0, 12)}` })
    this.#undo.push(async () => {
      await networks.detach(endpoint.id)
      await networks.release(endpoint.id)
    })
    return [endpoint]
  }

  async #attach(pid: number, endpoints: readonly Endpoint[], mode: string): Promise<void> {
    const { networks } = this.#parts
    for (const endpoint of endpoints) await networks.attach(endpoint.id, pid)
    if (endpoints.length === 0 && mode !== 'host' && !mode.startsWith('container:')) await networks.attachNone(pid)
  }

  /** Everything in the reverse order; the first failure of a step that succeeded is told, others are logged. */
  async #end(failed: boolean): Promise<void> {
    let first: unknown
    for (const undo of this.#undo.splice(0).toReversed()) {
      try {
        await undo()
      } catch (error) {
        first ??= error
        if (failed) this.#parts.log(`cannot clean up after a build step: ${messageOf(error)}`)
      }
    }
    if (first !== undefined && !failed) throw first
  }
}
