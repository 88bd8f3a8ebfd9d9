import type { Task } from '../../containerd/tasks/contract.ts'
import type { SessionStream } from '../attach/session-stream.ts'
import type { Health } from '../health/health-state.ts'
import type { Descriptor } from '../../containerd/images/contract.ts'
import type { ContainerConfig } from '../types/container-config.ts'
import type { EndpointSettings, HostConfig, MountPoint } from '../types/host-config.ts'
import { Mutex } from './mutex.ts'
import { never } from './timestamp.ts'
import type { Waiters } from './waiters.ts'

/** State as it stands in config.v2.json. A container that waits for its restart is Running and Restarting, as in Docker. */
export interface RecordedState {
  Running: boolean
  Paused: boolean
  Restarting: boolean
  OOMKilled: boolean
  RemovalInProgress: boolean
  Dead: boolean
  Pid: number
  ExitCode: number
  Error: string
  StartedAt: string
  FinishedAt: string
  /** Of a container with a health check, once it was started. */
  Health?: Health
}

/** A mount of the container as `docker inspect` shows it. */
export interface MountRecord {
  Type: 'bind' | 'volume' | 'tmpfs' | 'image'
  Name?: string
  Source: string
  Destination: string
  Driver?: string
  Mode: string
  RW: boolean
  Propagation: string
  /** What was asked for; not shown. A volume of which it names no Source is anonymous, as were all of before. */
  Spec?: MountPoint
  /** It came by --volumes-from; not shown. */
  Inherited?: true
  /** Of an image: its id and the key of its snapshot; not shown. */
  Image?: { id: string; snapshot: string }
}

/** What the disk knows of a container. In its tables of ports long runs are ranges (src/lib/port-table.ts): `portsShown`, `exposedShown`. */
export interface ContainerRecord {
  readonly id: string
  /** Without the leading slash. */
  name: string
  readonly created: string
  readonly path: string
  readonly args: string[]
  readonly config: ContainerConfig
  readonly hostConfig: HostConfig
  readonly imageId: string
  /** Of the image's manifest at its creation; containers of older engines have none. */
  readonly imageManifest?: Descriptor
  /** Storage driver. */
  driver: string
  state: RecordedState
  /** By network name: what was asked for, and while the container runs what it got. */
  networks: Record<string, EndpointSettings>
  /** What is really bound, while the container runs. */
  ports: Record<string, { HostIp: string; HostPort: string }[]>
  mounts: MountRecord[]
  restartCount: number
  hasBeenStartedBefore: boolean
  /** Stopped by a user: restart policies rest until the next start. */
  hasBeenManuallyStopped: boolean
  /** SELinux labels, of engines that have it enabled. */
  readonly labels?: { process: string; mount: string }
  /** Variables that its links gave it at the last start. */
  linkEnvironment?: string[]
  /** Files of its cgroup that were set by hand, by name: written at every start. */
  cgroupValues?: Record<string, string>
}

/** A container in memory: the record and what goes on with it. */
export interface Container extends ContainerRecord {
  /** Serialises operations that change it. */
  readonly lock: Mutex
  readonly waiters: Waiters
  task: Task | undefined
  /** Settles after the running task's exit was handled. */
  exited: Promise<void> | undefined
  /** Attached sessions that wait for the next start. */
  readonly pendingAttaches: Set<PendingAttach>
  /** The next start by the restart policy. */
  restartTimer: NodeJS.Timeout | undefined
  restartDelay: number
  endMemoryWatch: (() => void) | undefined
  /** `restart` is stopping it: neither policy nor auto-removal act on that exit. */
  isBeingRestarted: boolean
  removed: boolean
}

export interface PendingAttach {
  session: SessionStream
  stdin: boolean
  stdout: boolean
  stderr: boolean
}

export function initialState(): RecordedState {
  return {
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    RemovalInProgress: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: never,
    FinishedAt: never,
  }
}

export function liveContainer(record: ContainerRecord, waiters: Waiters): Container {
  return {
    ...record,
    lock: new Mutex(),
    waiters,
    task: undefined,
    exited: undefined,
    pendingAttaches: new Set(),
    restartTimer: undefined,
    restartDelay: 0,
    endMemoryWatch: undefined,
    isBeingRestarted: false,
    removed: false,
  }
}

/** Docker's one word for the state. */
export function stateWord(state: RecordedState): 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead' {
  if (state.Running) {
    if (state.Paused) return 'paused'
    return state.Restarting ? 'restarting' : 'running'
  }
  if (state.RemovalInProgress) return 'removing'
  if (state.Dead) return 'dead'
  return state.StartedAt === never ? 'created' : 'exited'
}
