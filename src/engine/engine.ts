import type { Duplex, Readable } from 'node:stream'
import type { ContainerConfig } from './types/container-config.ts'
import type { ContainerStats } from './types/container-stats.ts'
import type { EndpointSettings, HostConfig } from './types/host-config.ts'
import type { Credentials, DistributionInspect, ProgressMessage, SearchResult } from '../containerd/distribution/contract.ts'
import type { ImageStore } from '../containerd/images/contract.ts'

/**
 * Docker semantics behind the Engine API. The API room parses HTTP into these calls and writes their answers; it
 * knows no container, this room knows no HTTP. Shapes with capital keys are the Engine API's own (v1.51), so that
 * there is one vocabulary; older versions are the API room's business.
 *
 * `ref` is what users type: a name, a full id or an unambiguous id prefix.
 * Errors are GantryError with Docker's text: NotFound "No such container: x", Conflict for a name in use or a wrong state,
 * NotModified for start of a running and stop of a stopped container, InvalidParameter for bad input.
 */
export interface Engine {
  readonly containers: Containers
  readonly exec: Execs
  readonly images: Images
  readonly networks: Networks
  readonly events: Events
  readonly system: System
  /** Stops serving: containers stay. */
  close(): Promise<void>
}

export interface Containers {
  create(request: CreateContainer): Promise<{ Id: string; Warnings: string[] }>
  start(ref: string): Promise<void>
  /** `timeout` seconds before SIGKILL; undefined: the container's own or 10; -1: never. */
  stop(ref: string, options: { timeout?: number; signal?: string }): Promise<void>
  restart(ref: string, options: { timeout?: number; signal?: string }): Promise<void>
  kill(ref: string, signal: string): Promise<void>
  pause(ref: string): Promise<void>
  unpause(ref: string): Promise<void>
  remove(ref: string, options: { force: boolean; volumes: boolean }): Promise<void>
  rename(ref: string, name: string): Promise<void>
  resize(ref: string, size: { width: number; height: number }): Promise<void>
  /**
   * Settles when the condition holds; for `removed` after removal. `registered` is called once waiting has begun. Rejects
   * with the reason of `signal` when that aborts, and is forgotten.
   */
  wait(ref: string, condition: WaitCondition, registered: () => void, signal?: AbortSignal): Promise<{ StatusCode: number; Error?: { Message: string } }>
  attach(ref: string, options: AttachContainer): Promise<AttachSession>
  /** Container output from the log file, framed unless `Tty`. Ends at the end of the log, or with the container when following. */
  logs(ref: string, options: LogOptions): Promise<{ tty: boolean; stream: Readable }>
  /**
   * Changes limits and restart policy, of a running container at once. Zero, empty and null leave a field as it is, but
   * `PidsLimit` 0 is unlimited. When the kernel refuses a limit nothing has changed. Conflict with Docker's text when
   * the update does not go with what is set.
   */
  update(ref: string, change: HostConfig): Promise<{ Warnings: string[] | null }>
  /** One frame, or one a second until `signal` aborts or the container is removed. A stopped container's are zeros. */
  stats(ref: string, options: StatsOptions): Promise<AsyncIterable<ContainerStats>>
  top(ref: string, psArgs: string): Promise<{ Titles: string[]; Processes: string[][] }>
  inspect(ref: string, options: { size: boolean }): Promise<ContainerInspect>
  list(options: { all: boolean; limit: number; size: boolean; filters: Filters }): Promise<ContainerSummary[]>
  changes(ref: string): Promise<{ Path: string; Kind: 0 | 1 | 2 }[]>
  prune(filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }>
  /** The program that made the container, one operation a line. */
  explain(ref: string): Promise<string[]>
}

export interface CreateContainer {
  /** Without the leading slash; undefined: an adjective_surname is made. */
  name?: string
  platform?: string
  config: ContainerConfig
  hostConfig: HostConfig
  networking: Record<string, EndpointSettings>
}

export interface StatsOptions {
  /** stream: many. single: one that has the frame of a second before for comparison. one-shot: one at once. */
  mode: 'stream' | 'single' | 'one-shot'
  signal: AbortSignal
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed'

export interface AttachContainer {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  /** Follow the live streams. */
  stream: boolean
  /** Replay the log first. */
  logs: boolean
  /** "ctrl-p,ctrl-q" when undefined. */
  detachKeys?: string
}

export interface AttachSession {
  tty: boolean
  /** Bytes as they go over the wire: raw with a terminal, else stdcopy frames. Ends when the container ends or the user detached. */
  stream: Duplex
}

export interface LogOptions {
  stdout: boolean
  stderr: boolean
  follow: boolean
  timestamps: boolean
  /** Prefixes the container's log attributes (labels, env). */
  details: boolean
  /** Lines from the end; undefined: all. */
  tail?: number
  /** Nanoseconds since the epoch. */
  since?: bigint
  until?: bigint
}

export interface Execs {
  create(containerRef: string, config: ExecConfig): Promise<{ Id: string }>
  /** Starts it. Not detached: the session's stream carries its stdio. */
  start(execId: string, options: { detach: boolean; tty: boolean; size?: { width: number; height: number } }): Promise<AttachSession | undefined>
  resize(execId: string, size: { width: number; height: number }): Promise<void>
  inspect(execId: string): Promise<ExecInspect>
}

export interface ExecConfig {
  AttachStdin?: boolean
  AttachStdout?: boolean
  AttachStderr?: boolean
  ConsoleSize?: [number, number] | null
  DetachKeys?: string
  Tty?: boolean
  Env?: string[] | null
  Cmd?: string[] | null
  Privileged?: boolean
  User?: string
  WorkingDir?: string
}

/** image endpoints that need more than the store: who uses an image, events. */
export interface Images {
  readonly store: ImageStore
  inspect(reference: string): Promise<Record<string, unknown>>
  list(options: { all: boolean; filters: Filters; digests: boolean }): Promise<Record<string, unknown>[]>
  history(reference: string): Promise<Record<string, unknown>[]>
  remove(reference: string, options: { force: boolean; noPrune: boolean }): Promise<{ Untagged?: string; Deleted?: string }[]>
  tag(source: string, target: string): Promise<void>
  load(archive: Readable, progress: (line: string) => void): Promise<void>
  importTar(archive: Readable, options: { reference?: string; message?: string; changes: string[]; platform?: string }): Promise<string>
  save(references: string[]): Promise<Readable>
  /** `progress` gets Docker's messages; nothing has been sent when the registry does not have the image. */
  pull(request: PullImageRequest, progress: (message: ProgressMessage) => void): Promise<void>
  push(request: PushImageRequest, progress: (message: ProgressMessage) => void): Promise<void>
  /** Filters: is-automated, is-official, stars. */
  search(request: { term: string; limit: number; filters: Filters; credentials: Credentials }): Promise<SearchResult[]>
  distributionInspect(reference: string, credentials: Credentials, signal?: AbortSignal): Promise<DistributionInspect>
  login(credentials: Credentials): Promise<{ Status: string; IdentityToken: string }>
  prune(filters: Filters): Promise<{ ImagesDeleted: { Untagged?: string; Deleted?: string }[]; SpaceReclaimed: number }>
}

export interface PullImageRequest {
  /** A name with or without tag or digest. */
  reference: string
  allTags: boolean
  platform?: string
  credentials: Credentials
  /** Ends the pull; what was downloaded is kept for the next. */
  signal?: AbortSignal
}

export interface PushImageRequest {
  reference: string
  allTags: boolean
  credentials: Credentials
  signal?: AbortSignal
}

export interface Networks {
  list(filters: Filters): Promise<Record<string, unknown>[]>
  inspect(ref: string, options: { verbose: boolean; scope?: string }): Promise<Record<string, unknown>>
}

export interface Events {
  /**
   * Past events (of this daemon's memory) from `since`, then live ones until `until` (milliseconds since the epoch) or abort.
   * Filters: container, event, image, label, type, network, volume, daemon, scope.
   */
  stream(options: { since?: number; until?: number; filters: Filters; signal: AbortSignal }): AsyncIterable<EventMessage>
  emit(type: EventMessage['Type'], action: string, actor: { ID: string; Attributes: Record<string, string> }): void
}

export interface EventMessage {
  Type: 'container' | 'image' | 'network' | 'volume' | 'daemon'
  Action: string
  Actor: { ID: string; Attributes: Record<string, string> }
  scope: 'local'
  /** Seconds. */
  time: number
  timeNano: bigint
}

export interface System {
  info(): Promise<Record<string, unknown>>
  /** The /version document without Api-version negotiation. */
  version(): Record<string, unknown>
  diskUsage(): Promise<Record<string, unknown>>
}

/** Docker's filters, decoded from either JSON form: key -> values. */
export type Filters = ReadonlyMap<string, ReadonlySet<string>>

export interface ContainerSummary {
  Id: string
  Names: string[]
  Image: string
  ImageID: string
  Command: string
  /** Seconds since the epoch. */
  Created: number
  Ports: { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }[]
  SizeRw?: number
  SizeRootFs?: number
  Labels: Record<string, string>
  State: string
  Status: string
  HostConfig: { NetworkMode: string; Annotations?: Record<string, string> }
  NetworkSettings: { Networks: Record<string, EndpointSettings> }
  Mounts: Record<string, unknown>[]
}

/** GET /containers/{id}/json. */
export interface ContainerInspect {
  Id: string
  Created: string
  Path: string
  Args: string[]
  State: ContainerState
  Image: string
  ResolvConfPath: string
  HostnamePath: string
  HostsPath: string
  LogPath: string
  Name: string
  RestartCount: number
  Driver: string
  Platform: string
  MountLabel: string
  ProcessLabel: string
  AppArmorProfile: string
  ExecIDs: string[] | null
  HostConfig: HostConfig
  GraphDriver: { Name: string; Data: Record<string, string> | null }
  SizeRw?: number
  SizeRootFs?: number
  Mounts: Record<string, unknown>[]
  Config: ContainerConfig
  NetworkSettings: Record<string, unknown>
}

export interface ContainerState {
  Status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'
  Running: boolean
  Paused: boolean
  Restarting: boolean
  OOMKilled: boolean
  Dead: boolean
  Pid: number
  ExitCode: number
  Error: string
  /** RFC 3339 with nanoseconds; "0001-01-01T00:00:00Z" for never. */
  StartedAt: string
  FinishedAt: string
}

export interface ExecInspect {
  ID: string
  Running: boolean
  ExitCode: number | null
  ProcessConfig: { tty: boolean; entrypoint: string; arguments: string[]; privileged: boolean; user?: string }
  OpenStdin: boolean
  OpenStderr: boolean
  OpenStdout: boolean
  CanRemove: boolean
  ContainerID: string
  DetachKeys: string
  Pid: number
}
