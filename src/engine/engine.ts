import type { Duplex, Readable } from 'node:stream'
import type { Health } from './health/health-state.ts'
import type { ContainerConfig } from './types/container-config.ts'
import type { CgroupValue } from '../kernel/cgroup/values.ts'
import type { SetCgroup } from './containers/cgroup-record.ts'
import type { ChangePorts } from './containers/change-ports.ts'
import type { TestPacket } from './containers/explain-network.ts'
import type { BoundPorts } from '../net/contract.ts'
import type { Way } from '../net/explain/way.ts'
import type { StatsOfAll } from './containers/stats-of-all.ts'
import type { ContainerStats } from './types/container-stats.ts'
import type { EndpointSettings, HostConfig } from './types/host-config.ts'
import type { Credentials, DistributionInspect, ProgressMessage, SearchResult } from '../containerd/distribution/contract.ts'
import type { BuildKit } from '../build/buildkit/buildkit.ts'
import type { Builds } from './types/builds.ts'
import type { Descriptor, ImageStore } from '../containerd/images/contract.ts'

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
  readonly volumes: Volumes
  readonly storage: Storage
  readonly events: Events
  readonly build: Builds
  readonly buildkit: BuildKit
  readonly system: System
  /** Stops serving: containers stay. */
  close(): Promise<void>
}

export interface Containers {
  create(request: CreateContainer): Promise<{ Id: string; Warnings: string[] }>
  /** As it was at a checkpoint, if `from` is given. @throws System: there is no such checkpoint, or criu's words */
  start(ref: string, from?: StartFrom): Promise<void>
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
  statsOfAll(): Promise<StatsOfAll>
  /** A reading a second until `signal` aborts; one reader serves all who ask. */
  statsOfAllStream(signal: AbortSignal): AsyncIterable<StatsOfAll>
  /** Every value of its cgroup. @throws Conflict when it does not run */
  cgroup(ref: string): Promise<CgroupValue[]>
  /** Limits beyond `update`: written at once, recorded, and written again at each start. @returns the record */
  setCgroup(ref: string, change: SetCgroup): Promise<Record<string, string>>
  programs(ref: string): Promise<string[]>
  top(ref: string, psArgs: string): Promise<{ Titles: string[]; Processes: string[][] }>
  inspect(ref: string, options: { size: boolean }): Promise<ContainerInspect>
  list(options: { all: boolean; limit: number; size: boolean; filters: Filters }): Promise<ContainerSummary[]>
  changes(ref: string): Promise<{ Path: string; Kind: 0 | 1 | 2 }[]>
  prune(filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }>
  /** The root file system as a tar, also of a stopped container. */
  export(ref: string): Promise<Readable>
  /** What is at `path`, as seen from inside (volumes and binds too); links are resolved inside the container. @throws NotFound */
  statPath(ref: string, path: string): Promise<PathStat>
  /** A tar of what is at `path`, named by its last component. */
  getArchive(ref: string, path: string): Promise<{ stat: PathStat; tar: Readable }>
  /** Unpacks a tar (plain, gzip, bzip2, xz, zstd) into the directory `path`. */
  putArchive(ref: string, path: string, options: PutArchive): Promise<void>
  /** Makes an image of a container's changes. @returns the image's id */
  commit(ref: string, options: CommitContainer): Promise<{ Id: string }>
  /** Writes it into images (criu); with `exit` it has ended then. When it fails it goes on. @throws Conflict when it does not run; NotImplemented without criu; System */
  createCheckpoint(ref: string, checkpoint: { name: string; directory: string; exit: boolean }): Promise<void>
  /** Of its own directory, or of the absolute path `directory`. */
  checkpoints(ref: string, options: { directory: string }): Promise<{ Name: string }[]>
  removeCheckpoint(ref: string, checkpoint: { name: string; directory: string }): Promise<void>
  /** The program that made the container, one operation a line. */
  explain(ref: string): Promise<string[]>
  /** Publishes more ports or fewer, now and at each later start. @returns all that are bound @throws NotFound for a port that is not published */
  changePorts(ref: string, change: ChangePorts): Promise<BoundPorts>
  /** The ways of packets in and out, with counters. @throws Conflict when it does not run */
  explainNetwork(ref: string): Promise<Way[]>
  /** Sends a packet to "80/tcp" of a running container. */
  testPort(ref: string, port: string): Promise<TestPacket>
  /** Mounts the root file system, without volumes, on a path of the host, read-only; of a stopped container as well. */
  showFiles(ref: string): Promise<FileView>
}

export interface StartFrom {
  /** Its name. */
  checkpoint: string
  /** An absolute path; empty: the container's own. */
  directory: string
}

/** A container's root file system at a path of the engine's host. It follows the container from start to end and start. */
export interface FileView {
  readonly path: string
  /** Settles with the reason when the mount is gone for good, as after the removal of the container. */
  readonly ended: Promise<string>
  /** Idempotent. */
  close(): Promise<void>
}

export interface CreateContainer {
  /** Without the leading slash; undefined: an adjective_surname is made. */
  name?: string
  platform?: string
  config: ContainerConfig
  hostConfig: HostConfig
  networking: Record<string, EndpointSettings>
  /** Read-only mounts that do not say it leave what is mounted below them writable, as before API 1.44. */
  readOnlyNonRecursive?: boolean
}

/** Header X-Docker-Container-Path-Stat. `mode` is Go's os.FileMode. */
export interface PathStat {
  name: string
  size: number
  mode: number
  /** RFC 3339. */
  mtime: string
  linkTarget: string
}

export interface PutArchive {
  tar: Readable
  noOverwriteDirNonDir: boolean
  /** Owners of the archive's members become the container's user. */
  copyUidGid: boolean
}

export interface CommitContainer {
  reference?: string
  comment?: string
  author?: string
  /** Pause the container meanwhile. */
  pause: boolean
  changes: string[]
  config?: ContainerConfig
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
  /** `platform`: of the images that the name stands for. */
  inspect(reference: string, options?: { manifests?: boolean; platform?: string }): Promise<Record<string, unknown>>
  list(options: { all: boolean; filters: Filters; digests: boolean; sharedSize?: boolean; manifests?: boolean }): Promise<Record<string, unknown>[]>
  history(reference: string, platform?: string): Promise<Record<string, unknown>[]>
  /** `platforms`: only the images of these go. */
  remove(reference: string, options: { force: boolean; noPrune: boolean; platforms?: readonly string[] }): Promise<{ Untagged?: string; Deleted?: string }[]>
  tag(source: string, target: string): Promise<void>
  load(archive: Readable, progress: (line: string) => void, options?: { platform?: string }): Promise<void>
  importTar(archive: Readable, options: { reference?: string; message?: string; changes: string[]; platform?: string }): Promise<string>
  /** The same of the archive behind a URL. */
  importFrom(source: string, options: { reference?: string; message?: string; changes: string[]; platform?: string; signal: AbortSignal }, progress: (message: ProgressMessage) => void): Promise<string>
  /** @throws NotFound for an image of another platform */
  save(references: string[], options?: { platform?: string }): Promise<Readable>
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
  /** NotFound unless the image is of it. */
  platform?: string
  credentials: Credentials
  signal?: AbortSignal
}

export interface Networks {
  list(filters: Filters): Promise<Record<string, unknown>[]>
  inspect(ref: string, options: { verbose: boolean; scope?: string }): Promise<Record<string, unknown>>
  /** @throws as NetworkService.create */
  create(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }>
  /** @throws Forbidden "bridge is a pre-defined network and cannot be removed", "error while removing network: network x id y has active endpoints (…)" */
  remove(ref: string): Promise<void>
  /** User-defined networks without a running container. Filters: until, label, label!. @returns names */
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }>
  /** A running container has the interface when this settles. @throws Forbidden when it is there already, InvalidParameter for settings */
  connect(ref: string, request: { container: string; settings: EndpointSettings }): Promise<void>
  /** `force`: also an endpoint whose container is gone. */
  disconnect(ref: string, request: { container: string; force: boolean }): Promise<void>
}

/** POST /networks/create. */
export interface NetworkCreateRequest {
  Name?: string
  /** "bridge" when empty. */
  Driver?: string
  Scope?: string
  EnableIPv4?: boolean
  EnableIPv6?: boolean
  Internal?: boolean
  Attachable?: boolean
  Ingress?: boolean
  ConfigOnly?: boolean
  ConfigFrom?: { Network?: string } | null
  IPAM?: {
    Driver?: string
    Options?: Record<string, string> | null
    Config?: { Subnet?: string; IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Record<string, string> | null }[] | null
  } | null
  Options?: Record<string, string> | null
  Labels?: Record<string, string> | null
}

/**
 * Volumes: named trees that outlive containers. Driver "local": a directory under `<data-root>/volumes/<name>/_data`, or
 * what the options `type`, `device`, `o` say, mounted there while a container uses it.
 * Errors: NotFound "get x: no such volume"; Conflict "remove x: volume is in use - [ids]"; InvalidParameter for names and options.
 */
export interface Volumes {
  /** Idempotent by name; Conflict when it exists with another driver. */
  create(request: CreateVolume): Promise<VolumeInfo>
  list(filters: Filters): Promise<{ Volumes: VolumeInfo[]; Warnings: string[] | null }>
  inspect(name: string): Promise<VolumeInfo>
  remove(name: string, options: { force: boolean }): Promise<void>
  /** Anonymous ones without a user; with the filter all=true named ones too. */
  prune(filters: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }>
}

/** Storage drivers: switching between them, and what is stored as a whole. One of these at a time: Conflict. */
export interface Storage {
  /**
   * Copies images and stopped containers to another driver's store and goes on there. The old store is kept. Killed at any point it
   * has happened or not, and can be called again.
   * @throws Conflict while containers run; Unavailable when this host cannot run the driver
   */
  switchDriver(driver: string, progress: (line: string) => void): Promise<void>
  /** Removes the stores that switches left. @throws NotFound when there is none */
  forget(): Promise<{ drivers: string[] }>
  /** Images of other drivers' stores. Sizes in bytes. */
  otherImages(): { driver: string; id: string; created: string; size: number; repoTags: string[]; repoDigests: string[] }[]
  /** `full`: files of layers are compared with their archives as well. */
  check(options: { repair: boolean; full: boolean }): Promise<StorageCheck>
}

/** How many of each were looked at, and what was found. */
export interface StorageCheck {
  blobs: number
  images: number
  layers: number
  containers: number
  problems: StorageProblem[]
}

export interface StorageProblem {
  problem: string
  repaired: boolean
}

export interface CreateVolume {
  /** Empty: 64 hex digits are made, and the label com.docker.volume.anonymous. */
  Name?: string
  Driver?: string
  DriverOpts?: Record<string, string> | null
  Labels?: Record<string, string> | null
}

export interface VolumeInfo {
  CreatedAt: string
  Driver: string
  Labels: Record<string, string> | null
  Mountpoint: string
  Name: string
  Options: Record<string, string> | null
  Scope: 'local'
  /** In system df only: bytes, and how many containers refer to it. */
  UsageData?: { Size: number; RefCount: number }
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
  /** What Docker keeps behind a flag is served (--experimental): checkpoints. */
  readonly experimental: boolean
  /** The /version document without Api-version negotiation. */
  version(): Record<string, unknown>
  /** What is on or off by name; a reload may change it. */
  features(): Readonly<Record<string, boolean>>
  /** GET /system/df; counts only these types, all of them when there is none. @throws InvalidParameter for an unknown one */
  diskUsage(types?: readonly string[]): Promise<Record<string, unknown>>
}

export type DiskUsageType = 'container' | 'image' | 'volume' | 'build-cache'

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
  ImageManifestDescriptor?: Descriptor
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
  ImageManifestDescriptor?: Descriptor
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
  Health?: Health
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
