import { hostname, machine, release, totalmem, availableParallelism } from 'node:os'
import type { Containers, Images, System } from './engine.ts'
import { layerBytes } from './images/prune.ts'
import type { LayerSizes } from './images/layer-size.ts'
import { registryConfig } from './system/registry-config.ts'
import { probeHost } from './system/host.ts'
import { hostWarnings } from './system/warnings.ts'
import type { Snapshotter } from '../containerd/snapshots/contract.ts'

export interface SystemOptions {
  /** Of this installation, for good. */
  id: string
  version: string
  gitCommit: string
  /** RFC 3339, or empty for a working tree. */
  buildTime: string
  dataRoot: string
  labels: string[]
  registries?: { mirrors: string[]; insecure: string[] }
  /** Asked at every `info`, because it can be switched by a reload. */
  debug: () => boolean
  snapshotter: Pick<Snapshotter, 'name' | 'status'>
  networkDrivers: string[]
  logDrivers: string[]
  runtimes: () => Record<string, { path: string; runtimeArgs?: readonly string[] }>
  defaultRuntime: string
  initPath: string
  containers: Pick<Containers, 'list'>
  images: Images
  layerSize: LayerSizes
}

/** What the engine says of itself and its host. */
export function createSystem(options: SystemOptions): System {
  return { info: () => info(options), version: () => version(options), diskUsage: () => diskUsage(options) }
}

const goArchitectures: Record<string, string> = { x64: 'amd64', ia32: '386' }

function version(options: SystemOptions): Record<string, unknown> {
  const common = {
    GitCommit: options.gitCommit,
    GoVersion: `node ${process.version}`,
    Os: 'linux',
    Arch: goArchitectures[process.arch] ?? process.arch,
    KernelVersion: release(),
    BuildTime: options.buildTime,
  }
  const part = (name: string): object => ({ Name: name, Version: options.version, Details: { GitCommit: options.gitCommit } })
  return {
    Platform: { Name: 'Gantry' },
    Components: [
      { Name: 'Engine', Version: options.version, Details: { ...common, Experimental: 'false' } },
      part('gantry-containerd'),
      part('gantry-runc'),
      part('gantry-init'),
    ],
    Version: options.version,
    ...common,
  }
}

async function info(options: SystemOptions): Promise<Record<string, unknown>> {
  const containers = await options.containers.list({ all: true, limit: 0, size: false, filters: new Map() })
  const count = (...states: string[]): number => containers.filter(({ State }) => states.includes(State)).length
  const host = await probeHost()
  return {
    ID: options.id,
    Containers: containers.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'exited', 'dead', 'removing'),
    Images: options.images.store.list().length,
    Driver: options.snapshotter.name,
    DriverStatus: options.snapshotter.status(),
    Plugins: { Volume: [], Network: options.networkDrivers, Authorization: null, Log: options.logDrivers },
    ...host.limits,
    IPv4Forwarding: host.ipv4Forwarding,
    Debug: options.debug(),
    NFd: host.openFiles,
    NGoroutines: 1,
    SystemTime: new Date().toISOString(),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: host.cgroupVersion,
    NEventsListener: 0,
    KernelVersion: release(),
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: 'linux',
    Architecture: machine(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(options.registries),
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: options.dataRoot,
    HttpProxy: process.env['HTTP_PROXY'] ?? '',
    HttpsProxy: process.env['HTTPS_PROXY'] ?? '',
    NoProxy: process.env['NO_PROXY'] ?? '',
    Name: hostname(),
    Labels: options.labels,
    ExperimentalBuild: false,
    ServerVersion: options.version,
    Runtimes: options.runtimes(),
    DefaultRuntime: options.defaultRuntime,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: options.initPath,
    ContainerdCommit: { ID: options.version },
    RuncCommit: { ID: options.version },
    InitCommit: { ID: options.version },
    SecurityOptions: host.securityOptions,
    CDISpecDirs: [],
    Warnings: hostWarnings(host),
  }
}

async function diskUsage({ containers, images, layerSize }: SystemOptions): Promise<Record<string, unknown>> {
  const containerRows = await containers.list({ all: true, limit: 0, size: true, filters: new Map() })
  const imageRows = await images.list({ all: false, filters: new Map(), digests: true })
  const layers = await layerBytes(images.store, layerSize)
  return {
    LayersSize: layers.values().reduce((sum, size) => sum + size, 0),
    Images: imageRows.map((row) => ({
      ...row,
      SharedSize: 0,
      Containers: containerRows.filter(({ ImageID }) => ImageID === row['Id']).length,
    })),
    Containers: containerRows,
    Volumes: [],
    BuildCache: [],
    BuilderSize: 0,
  }
}
