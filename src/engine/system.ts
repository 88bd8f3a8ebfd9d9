import { hostname, machine, release, totalmem, availableParallelism } from 'node:os'
import { shownProxy } from '../containerd/distribution/proxy-settings.ts'
import { builtInRuntimeName } from './containers/runtimes.ts'
import type { System } from './engine.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { diskUsage, type DiskUsageSources } from './system/disk-usage.ts'
import { registryConfig } from './system/registry-config.ts'
import { probeHost } from './system/host.ts'
import { withStatus, type ShownRuntime } from './system/runtime-status.ts'
import { securityOptionsOf } from './system/security-options.ts'
import { readCdiDevices } from './devices/cdi-directories.ts'
import { hostWarnings, storageWarnings } from './system/warnings.ts'
import { timed } from './metrics/timed.ts'
import type { Snapshotter } from '../containerd/snapshots/contract.ts'
import type { SecurityDefaults } from './security/defaults.ts'

export interface SystemOptions extends DiskUsageSources {
  /** Of this installation, for good. */
  id: string
  version: string
  gitCommit: string
  /** RFC 3339, or empty for a working tree. */
  buildTime: string
  dataRoot: string
  labels: string[]
  authorizationPlugins?: string[]
  registries?: { mirrors: string[]; insecure: string[]; proxies?: { http: string; https: string; none: string } }
  /** Asked at every `info`, because it can be switched by a reload. */
  debug: () => boolean
  snapshotter: Pick<Snapshotter, 'name' | 'status'>
  networkDrivers: string[]
  logDrivers: string[]
  /** Of containers that name none. */
  logDriver?: string
  runtimes: () => Record<string, ShownRuntime>
  /** To ask runtimes what they can do. */
  kernel: Pick<Kernel, 'tool'>
  defaultRuntime: string
  /** Docker's defaults unless told. */
  security?: SecurityDefaults
  cgroupDriver?: string
  /** Where CDI specifications lie. */
  cdiDirectories?: readonly string[]
  initPath: string
  /** Who makes packet filter rules. */
  firewallBackend?: string
  /** How many follow the events. */
  eventListeners?: () => number
  /** --experimental */
  experimental?: boolean
  /** By name, on or off. */
  features?: Readonly<Record<string, boolean>>
}

/** What the engine says of itself and its host. */
export function createSystem(options: SystemOptions): System {
  return { experimental: options.experimental ?? false, info: () => info(options), version: () => version(options), diskUsage: (types) => diskUsage(options, types), features: () => options.features ?? {} }
}

/** Left out while there is none (API 1.50). */
function discoveredDevices(directories: readonly string[] = []): { Source: string; ID: string }[] | undefined {
  const devices = [...readCdiDevices(directories).keys()]
  return devices.length === 0 ? undefined : devices.toSorted().map((ID) => ({ Source: 'cdi', ID }))
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
      { Name: 'Engine', Version: options.version, Details: { ...common, Experimental: String(options.experimental ?? false) } },
      part('gantry-containerd'),
      part('gantry-runc'),
      part('gantry-init'),
    ],
    Version: options.version,
    ...common,
    ...(options.experimental && { Experimental: true }),
  }
}

async function info(options: SystemOptions): Promise<Record<string, unknown>> {
  const containers = await options.containers.list({ all: true, limit: 0, size: false, filters: new Map() })
  const count = (...states: string[]): number => containers.filter(({ State }) => states.includes(State)).length
  const host = await timed('host_info_functions', 'system_info', probeHost)
  return {
    ID: options.id,
    Containers: containers.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'exited', 'dead', 'removing'),
    Images: options.images.store.list().length,
    Driver: options.snapshotter.name,
    DriverStatus: options.snapshotter.status(),
    Plugins: { Volume: ['local'], Network: options.networkDrivers, Authorization: options.authorizationPlugins?.length ? options.authorizationPlugins : null, Log: options.logDrivers },
    ...host.limits,
    IPv4Forwarding: host.ipv4Forwarding,
    Debug: options.debug(),
    NFd: host.openFiles,
    NGoroutines: 1,
    SystemTime: new Date().toISOString(),
    LoggingDriver: options.logDriver ?? 'json-file',
    CgroupDriver: options.cgroupDriver ?? 'cgroupfs',
    CgroupVersion: host.cgroupVersion,
    NEventsListener: options.eventListeners?.() ?? 0,
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
    HttpProxy: shownProxy(options.registries?.proxies?.http ?? ''),
    HttpsProxy: shownProxy(options.registries?.proxies?.https ?? ''),
    NoProxy: options.registries?.proxies?.none ?? '',
    Name: hostname(),
    Labels: options.labels,
    ExperimentalBuild: options.experimental ?? false,
    ServerVersion: options.version,
    Runtimes: await withStatus(options.kernel, options.runtimes(), builtInRuntimeName),
    DefaultRuntime: options.defaultRuntime,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: options.initPath,
    ContainerdCommit: { ID: options.version },
    RuncCommit: { ID: options.version },
    InitCommit: { ID: options.version },
    SecurityOptions: securityOptionsOf(host, options.security),
    CDISpecDirs: options.cdiDirectories ?? [],
    FirewallBackend: options.firewallBackend === undefined ? undefined : { Driver: options.firewallBackend },
    DiscoveredDevices: discoveredDevices(options.cdiDirectories),
    Warnings: [...hostWarnings(host), ...storageWarnings(options.snapshotter.status())],
  }
}
