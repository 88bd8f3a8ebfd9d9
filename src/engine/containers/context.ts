import type { ImageStore } from '../../containerd/images/contract.ts'
import type { Snapshotter } from '../../containerd/snapshots/contract.ts'
import type { TaskService } from '../../containerd/tasks/contract.ts'
import type { Mappers } from '../../containerd/tasks/mappers.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { NetworkService } from '../../net/contract.ts'
import type { Events } from '../engine.ts'
import type { LogKeeper } from '../logs/log-keeper.ts'
import type { HealthMonitors } from '../health/health-monitors.ts'
import type { SecurityDefaults } from '../security/defaults.ts'
import type { ContainerDefaults } from './container-defaults.ts'
import type { ContainerSpecs } from './oci.ts'
import type { ContainerRegistry } from './registry.ts'
import type { Runtimes } from './runtimes.ts'
import type { ContainerStore } from './store.ts'
import type { VolumesRoom } from '../volumes/volumes.ts'

/** What every operation on containers may use. */
export interface ContainersContext {
  readonly dataRoot: string
  readonly execRoot: string
  readonly images: ImageStore
  readonly snapshotter: Snapshotter
  /** Storage drivers that were switched from: containers that still name one, and have a snapshot here, have moved. */
  readonly movedFrom?: readonly string[]
  readonly tasks: TaskService
  readonly networks: NetworkService
  readonly events: Events
  readonly kernel: Kernel
  readonly registry: ContainerRegistry
  readonly store: ContainerStore
  readonly volumes: VolumesRoom
  readonly specs: ContainerSpecs
  /** Forgets what belonged to a container's past run. */
  readonly execs: ContainerExecs
  readonly health: HealthMonitors
  readonly runtimes: Runtimes
  readonly security: SecurityDefaults
  /** For views of containers whose users are remapped. */
  readonly mappers: Mappers
  /** For containers that ask for none. */
  readonly dns: DefaultDns
  readonly logs: LogKeeper
  readonly logDefaults: LogDefaults
  readonly defaults: ContainerDefaults
  readonly log: (line: string) => void
}

/** The engine's --log-driver and --log-opt. */
export interface LogDefaults {
  driver: string
  options: Readonly<Record<string, string>>
}

/** The engine's --dns, --dns-opt, --dns-search and --host-gateway-ip. */
export interface DefaultDns {
  servers: readonly string[]
  options: readonly string[]
  search: readonly string[]
  /** None: the gateways of the default bridge. */
  hostGateways?: readonly string[]
}

export interface ContainerExecs {
  /** Ids of execs that are created or running, in order of creation. */
  idsOf(containerId: string): string[]
  /** The container's processes are gone. */
  containerExited(containerId: string): void
  containerRemoved(containerId: string): void
}
