import type { ImageStore } from '../containerd/images/contract.ts'
import type { Snapshotter } from '../containerd/snapshots/contract.ts'
import type { TaskService } from '../containerd/tasks/contract.ts'
import { Mappers } from '../containerd/tasks/mappers.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { NetworkService } from '../net/contract.ts'
import type { NetworkMembers } from './networks.ts'
import { containerCheckpoints, createCheckpoint, removeCheckpoint } from './checkpoints/checkpoints.ts'
import { attachContainer } from './attach/attach.ts'
import type { Containers, Events, Execs } from './engine.ts'
import { createExecs } from './exec/execs.ts'
import { HealthMonitors } from './health/health-monitors.ts'
import { containerLogs } from './logs/container-logs.ts'
import { LogKeeper } from './logs/log-keeper.ts'
import { timed } from './metrics/timed.ts'
import { getContainerArchive } from './containers/archive/get-archive.ts'
import { putContainerArchive } from './containers/archive/put-archive.ts'
import { statContainerPath } from './containers/archive/stat-path.ts'
import { containerCgroup, setCgroup } from './containers/cgroup-record.ts'
import { containerChanges } from './containers/changes.ts'
import type { Container } from './containers/container.ts'
import { commitContainer } from './containers/commit.ts'
import type { ContainersContext, DefaultDns, LogDefaults } from './containers/context.ts'
import { connectContainer, disconnectContainer, forgetNetwork } from './containers/connect-network.ts'
import { createContainer } from './containers/create.ts'
import type { ContainerDefaults } from './containers/container-defaults.ts'
import { changePorts } from './containers/change-ports.ts'
import { explainContainer } from './containers/explain.ts'
import { explainNetwork, testPort } from './containers/explain-network.ts'
import { exportContainer } from './containers/export.ts'
import { inspectContainer } from './containers/inspect.ts'
import { listContainers } from './containers/list.ts'
import { createContainerSpecs } from './containers/oci.ts'
import type { ContainerSpecs } from './containers/oci.ts'
import { pauseContainer, unpauseContainer } from './containers/pause.ts'
import { containerPrograms } from './containers/programs.ts'
import { pruneContainers } from './containers/prune.ts'
import { recoverContainers } from './containers/recover.ts'
import { ContainerRegistry } from './containers/registry.ts'
import { removeContainer } from './containers/remove.ts'
import { renameContainer } from './containers/rename.ts'
import { resizeContainer } from './containers/resize.ts'
import { restartContainer } from './containers/restart.ts'
import { runtimeTable, type Runtimes } from './containers/runtimes.ts'
import { startContainer } from './containers/start.ts'
import { AllStatsReader } from './containers/stats-of-all.ts'
import { StatsOfAllStream } from './containers/stats-of-all-stream.ts'
import { StatsReader } from './containers/stats-reader.ts'
import { containerStats } from './containers/stats.ts'
import { signalContainer, stopContainer } from './containers/stop.ts'
import { ContainerStore } from './containers/store.ts'
import { topContainer } from './containers/top.ts'
import { updateContainer } from './containers/update.ts'
import { waitContainer } from './containers/wait.ts'
import { openVolumes, type VolumesRoom } from './volumes/volumes.ts'
import { FileViews } from './storage/file-views.ts'
import type { SecurityDefaults } from './security/defaults.ts'
import type { CgroupDriver } from './spec/input.ts'

export interface OpenContainers {
  dataRoot: string
  execRoot: string
  images: ImageStore
  snapshotter: Snapshotter
  movedFrom?: readonly string[]
  tasks: TaskService
  networks: NetworkService
  events: Events
  kernel: Kernel
  /** Resolver settings of containers that ask for none. */
  dns?: DefaultDns
  /** Host path of the static init for --init. */
  initPath?: string
  /** Who makes cgroups (default "cgroupfs"), and below which one for containers that name none. */
  cgroupDriver?: CgroupDriver
  cgroupParent?: string
  /** Docker's defaults unless told. */
  security?: SecurityDefaults
  /** Where CDI specifications lie; /etc/cdi and /var/run/cdi unless told. */
  cdiDirectories?: readonly string[]
  /** What HostConfig.Runtime may name; the built-in one alone unless told. */
  runtimes?: Runtimes
  /** Made for the same data root unless given. */
  volumes?: VolumesRoom
  /** What holds for containers that say nothing about their log: json-file without options. */
  logDefaults?: LogDefaults
  /** Of what containers leave open: Docker's unless told. */
  defaults?: ContainerDefaults
  /** Another maker of specifications than the usual one. */
  specs?: ContainerSpecs
  /** One line of what was repaired or could not be; standard error by default. */
  log?: (line: string) => void
}

export interface ContainersRoom {
  readonly containers: Containers
  readonly exec: Execs
  counts(): { total: number; running: number; paused: number; stopped: number }
  /** Takes over what an earlier engine left. Once, after `recover` of tasks and of networks, before anything else. */
  recover(): Promise<void>
  /** All that there are, for what moves them between stores. */
  all(): Container[]
  save(container: Container): void
  /** The containers that were made from an image. */
  inUse(imageId: string): { id: string; running: boolean }[]
  /** Puts containers on networks and takes them off. */
  readonly members: NetworkMembers
  /** Nothing is started again by this engine. Containers stay. */
  close(): void
}

export function openContainers(options: OpenContainers): ContainersRoom {
  const { dataRoot, log = (line: string) => console.error(line) } = options
  const registry = new ContainerRegistry()
  const execs = createExecs(() => ctx)
  const views = new FileViews(options.execRoot, () => ctx)
  const ctx: ContainersContext = {
    ...options,
    dns: options.dns ?? { servers: [], options: [], search: [] },
    runtimes: options.runtimes ?? runtimeTable(),
    security: options.security ?? {},
    mappers: new Mappers(options.kernel, `${options.execRoot}/mapped-views`),
    registry,
    store: new ContainerStore({ dataRoot, log }),
    volumes: options.volumes ?? openVolumes({ dataRoot, kernel: options.kernel, events: options.events, log }),
    specs: options.specs ?? createContainerSpecs(options),
    execs: execs.ofContainers,
    health: new HealthMonitors(() => ctx),
    logs: new LogKeeper({ kernel: options.kernel, paths: (id) => ctx.store.paths(id), log }),
    defaults: options.defaults ?? {},
    logDefaults: options.logDefaults ?? { driver: 'json-file', options: {} },
    log,
  }
  return {
    containers: createContainers(ctx, views),
    exec: execs.api,
    counts: () => countStates(registry),
    recover: () => {
      views.sweep()
      return recoverContainers(ctx)
    },
    all: () => registry.all(),
    save: (container) => ctx.store.save(container),
    inUse: (imageId) => registry.all().filter(({ imageId: own, mounts }) => own === imageId || mounts.some(({ Image }) => Image?.id === imageId)).map(({ id, state }) => ({ id, running: state.Running })),
    members: {
      connect: async (ref, options) => connectContainer(ctx, registry.get(ref), options),
      disconnect: async (ref, network) => disconnectContainer(ctx, registry.get(ref), network),
      forget: async (ref, network) => forgetNetwork(ctx, registry.get(ref), network),
    },
    close: () => {
      views.close()
      ctx.health.close()
      ctx.logs.close()
      ctx.mappers.close()
      for (const { restartTimer } of registry.all()) clearTimeout(restartTimer)
    },
  }
}

function createContainers(ctx: ContainersContext, views: FileViews): Containers {
  const reader = new StatsReader()
  const allReader = new AllStatsReader()
  const allStream = new StatsOfAllStream(() => allReader.read(ctx.registry.all()))
  const get = (ref: string): ReturnType<ContainerRegistry['get']> => ctx.registry.get(ref)
  return {
    create: (request) => timed('container_actions', 'create', () => createContainer(ctx, request)),
    start: async (ref, from) => startContainer(ctx, get(ref), from),
    stop: async (ref, options) => stopContainer(ctx, get(ref), options),
    restart: async (ref, options) => restartContainer(ctx, get(ref), options),
    kill: (ref, signal) => signalContainer(ctx, ref, signal),
    pause: async (ref) => pauseContainer(ctx, get(ref)),
    unpause: async (ref) => unpauseContainer(ctx, get(ref)),
    remove: async (ref, options) => removeContainer(ctx, get(ref), options),
    rename: async (ref, name) => renameContainer(ctx, get(ref), name),
    resize: async (ref, size) => resizeContainer(ctx, get(ref), size),
    wait: async (ref, condition, registered, signal) => waitContainer(get(ref), { condition, registered, signal }),
    update: async (ref, change) => updateContainer(ctx, get(ref), change),
    stats: async (ref, options) => containerStats(reader, get(ref), options),
    statsOfAll: async () => allReader.read(ctx.registry.all()),
    statsOfAllStream: (signal) => allStream.readings(signal),
    programs: async (ref) => containerPrograms(ctx, get(ref)),
    cgroup: async (ref) => containerCgroup(get(ref)),
    setCgroup: async (ref, change) => setCgroup(ctx, get(ref), change),
    attach: async (ref, options) => attachContainer(ctx, get(ref), { ...options, ref }),
    logs: async (ref, options) => containerLogs(ctx, get(ref), options),
    top: async (ref, psArguments) => topContainer(ctx, get(ref), psArguments),
    inspect: async (ref, options) => inspectContainer(ctx, get(ref), options),
    list: (options) => listContainers(ctx, options),
    changes: (ref) => timed('container_actions', 'changes', async () => containerChanges(ctx, get(ref))),
    prune: filters => pruneContainers(ctx, filters),
    export: async (ref) => exportContainer(ctx, get(ref)),
    statPath: async (ref, path) => statContainerPath(ctx, get(ref), { ref, path }),
    getArchive: async (ref, path) => getContainerArchive(ctx, get(ref), { ref, path }),
    putArchive: async (ref, path, options) => putContainerArchive(ctx, get(ref), { ...options, ref, path }),
    commit: (ref, options) => timed('container_actions', 'commit', async () => commitContainer(ctx, get(ref), options)),
    createCheckpoint: async (ref, checkpoint) => createCheckpoint(ctx, get(ref), { ...checkpoint, ref }),
    checkpoints: async (ref, options) => containerCheckpoints(ctx, get(ref), { ...options, ref }),
    removeCheckpoint: async (ref, checkpoint) => removeCheckpoint(ctx, get(ref), { ...checkpoint, ref }),
    explain: async (ref) => explainContainer(ctx, get(ref)),
    changePorts: async (ref, change) => changePorts(ctx, get(ref), change),
    explainNetwork: async (ref) => explainNetwork(ctx, get(ref)),
    testPort: async (ref, port) => testPort(ctx, get(ref), port),
    showFiles: async (ref) => views.open(get(ref)),
  }
}

function countStates(registry: ContainerRegistry): { total: number; running: number; paused: number; stopped: number } {
  const all = registry.all()
  const paused = all.filter(({ state }) => state.Paused).length
  const running = all.filter(({ state }) => state.Running).length - paused
  return { total: all.length, running, paused, stopped: all.length - running - paused }
}
