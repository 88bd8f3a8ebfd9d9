import type { Readable } from 'node:stream'
import type { ContainerConfig } from '../engine/types/container-config.ts'
import type { ContextArchive } from './context/archive/context-archive.ts'
import type { Plan } from './plan/contract.ts'

/**
 * Building images from Dockerfiles.
 *
 * A *build* solves a graph of *steps*. A step is a source (image, context, URL, git), a RUN, a COPY or ADD, or a directory made for
 * WORKDIR. Its result is a *tree*: the chain id of a stack of layers in the snapshotter. Configuration (ENV, CMD …) is
 * no step: it is computed while planning.
 *
 * Cache: the *key* of a step is a SHA-256 over its operation with every input that can change the result: the chain ids of the
 * trees below it, digests of the files it copies, the environment, user and working directory of a RUN. Times of build, names
 * of stages and places of contexts are no inputs. A record maps key -> layer (diff id, or none). Because a key holds the chain
 * id of the parent, a record is right wherever it came from: this engine, an image's inline cache, a registry, a directory.
 *
 * Errors: DockerfileError (InvalidParameter, with the line) for the file; BuildError for a step that failed. Whatever fails or is
 * cancelled leaves no mount, process, snapshot or half-made layer; finished steps stay in the cache.
 */
export interface Builder {
  /** Settles when the result has been exported. Steps of several stages run at once. */
  build(request: BuildRequest, report: BuildReport, signal: AbortSignal): Promise<BuildResult>
  usage(filters?: ReadonlyMap<string, ReadonlySet<string>>): Promise<CacheRecordInfo[]>
  prune(options: PruneCache): Promise<{ CachesDeleted: string[]; SpaceReclaimed: number }>
  close(): Promise<void>
}

export interface BuildRequest {
  /** Text of the Dockerfile, and its name for messages. */
  dockerfile: { text: string; name: string }
  /** The main context; undefined: empty. */
  context?: BuildContext
  /** --build-context, by lower-case name; may replace stages and images of that name. */
  namedContexts: ReadonlyMap<string, NamedContext>
  target?: string
  /** One image each, put together in an index when there are several. Empty: the engine's own. */
  platforms: string[]
  buildArgs: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
  /** true: everything; else names of stages. */
  noCache: boolean | readonly string[]
  /** Ask registries again for images that are here. */
  pull: boolean
  /** Values of RUN --mount=type=secret by id; never written to a layer, a record or a log. */
  secret(id: string): Promise<Uint8Array | undefined>
  /** Host path of an agent's socket for RUN --mount=type=ssh by id. */
  ssh(id: string): Promise<string | undefined>
  /** Credentials for a registry's host. */
  credentials(host: string): Promise<{ username?: string; password?: string; identityToken?: string } | undefined>
  /** Blobs of a directory of the client, by the name that the client knows it by. */
  clientContent?(name: string): ClientContent
  /** Asked when a RUN has failed: a terminal for a shell in its root, before that goes. */
  debug?(step: { name: string; failure: string }): DebugTerminal | undefined
  run: RunDefaults
  cacheFrom: CacheSpec[]
  cacheTo: CacheSpec[]
  exports: ExportSpec[]
  attestations: { provenance?: 'min' | 'max'; sbom?: boolean }
  /** Seconds since the epoch that every created time and file time is cut to (SOURCE_DATE_EPOCH). */
  sourceDateEpoch?: number
  /** --allow: "network.host", "security.insecure". */
  entitlements: readonly string[]
  /** `# check=` and --check: only look for warnings. */
  checkOnly: boolean
}

/** A tree of files on disk that the build reads, and that nobody else changes meanwhile. */
export interface BuildContext {
  root: string
  /** Called, and waited for, before anyone looks at `root`; any number of times. A context that nothing needs is never brought here. */
  ready?(): Promise<void>
  /** It is removed after the build: its files may become the layer's. */
  disposable?: boolean
  /** What is in it is known without its files, which `unpack` makes at `root`: to be called before anyone looks there. */
  archive?: ContextArchive
  /** Lines of the .dockerignore whose paths are not there. */
  ignored?: readonly string[]
  /** Digest of the file at `path` (content, mode, owner; not times), cached. */
  digest?(path: string): Promise<string>
}

export type NamedContext = { kind: 'tree'; context: BuildContext } | { kind: 'image'; reference: string } | NamedLayout | { kind: 'stage'; stage: string }

/** An image in an OCI layout of the client, as `clientContent` gives it. */
export interface NamedLayout {
  kind: 'oci-layout'
  store: string
  /** Of its manifest or index. */
  digest: string
}

/** Docker's limits for RUN. */
export interface RunDefaults {
  network: string
  extraHosts: readonly string[]
  ulimits: readonly { Name: string; Soft: number; Hard: number }[]
  cgroupParent?: string
  /** Bytes. */
  shmSize?: number
  memory?: number
  memorySwap?: number
  cpuShares?: number
  cpuPeriod?: number
  cpuQuota?: number
  cpusetCpus?: string
  cpusetMems?: string
  securityOpt?: readonly string[]
  isolation?: string
}

/** A client's terminal. */
export interface DebugTerminal {
  /** Ends when the client hangs up. */
  events: AsyncIterable<{ input: Uint8Array; width: number; height: number }>
  output: (data: Uint8Array) => Promise<unknown>
  close(): void
}

/** An OCI layout on the client's side: blobs by digest. What is read is not verified yet. */
export interface ClientContent {
  /** Undefined: it is not there. */
  size(digest: string): Promise<number | undefined>
  read(digest: string): AsyncIterable<Uint8Array>
  /** Nothing is sent of a blob that is there. */
  write(blob: { digest: string; size: number; open: () => AsyncIterable<Uint8Array> }): Promise<void>
}

/** `inline`: in the image. `registry`: attribute ref; `local`: dest or src, a directory of the client. */
export type CacheSpec = { type: 'inline' | 'registry' | 'local'; attributes: Readonly<Record<string, string>> }

/** `image`: the engine's store (attributes name, push). `docker` and `oci`: archives; `local`: a directory; `tar`: its tar. */
export interface ExportSpec {
  type: 'image' | 'docker' | 'oci' | 'local' | 'tar'
  attributes: Readonly<Record<string, string>>
  /** Receives archive types; `local` gets a tar that the receiver unpacks. */
  output?(stream: Readable): Promise<void>
  /** With the attribute tar=false: the OCI layout, of which the client writes `index.json`. */
  content?: ClientContent
}

export interface BuildResult {
  /** Id of the image (its configuration's digest); undefined where nothing was put in the store. */
  imageId?: string
  /** As --metadata-file and the SDKs read it ("containerimage.digest", "containerimage.config.digest", "image.name"…). */
  metadata: Record<string, string>
  warnings: BuildWarning[]
}

/** What happens, for clients to show. BuildKit's vocabulary (moby.buildkit.v1.StatusResponse). */
export interface BuildReport {
  /** Told again whenever something of it changes; `id` is a digest. */
  vertex(vertex: Vertex): void
  /** Progress inside a vertex: a layer downloaded, a file sent. */
  status(status: VertexStatus): void
  log(log: { vertex: string; stream: 1 | 2; data: Uint8Array; at: number }): void
  warning(warning: BuildWarning): void
  /** Told once, before the first step: what will be done. */
  plan?(plan: Plan): void
}

export interface Vertex {
  id: string
  /** "[stage-1 2/3] RUN make", "[internal] load build definition from Dockerfile", "exporting to image". */
  name: string
  inputs: readonly string[]
  /** Milliseconds since the epoch. */
  started?: number
  completed?: number
  cached: boolean
  error?: string
  /** For classic builders' "Step n/m : instruction". */
  step?: { index: number; total: number; instruction: string; stage: string }
  /** 1-based lines of the instruction. */
  lines?: { start: number; end: number }
  /** Image or tree after it, for "---> id". */
  result?: string
}

export interface VertexStatus {
  vertex: string
  /** "sha256:… extracting", "transferring context:". */
  id: string
  current: number
  total: number
  at: number
  started?: number
  completed?: number
}

/** One line of the checks. Source: Docker's "Build checks" reference. */
export interface BuildWarning {
  /** "StageNameCasing". */
  rule: string
  description: string
  detail: string
  url: string
  /** 1-based, inclusive. */
  start: number
  end: number
}

export interface PruneCache {
  all: boolean
  /** Bytes that stay in any case. */
  keepStorage?: number
  /** Bytes that stay at most. */
  maxUsedSpace?: number
  /** Bytes that the disk has to have free. */
  minFreeSpace?: number
  filters: ReadonlyMap<string, ReadonlySet<string>>
}

/** A record of /system/df and of `builder du`. */
export interface CacheRecordInfo {
  ID: string
  Parents: string[]
  Type: 'regular' | 'source.local' | 'source.git.checkout' | 'exec.cachemount' | 'internal' | 'frontend'
  Description: string
  InUse: boolean
  Shared: boolean
  Size: number
  CreatedAt: string
  LastUsedAt: string | null
  UsageCount: number
}

/** Runs the process of a RUN as a container of the engine, with the same walls as any other. Made by the engine room. */
export interface StepRunner {
  /** A shell in the same root, with the step's environment, user and mounts. Settles when it has ended, and leaves nothing. */
  shell(step: RunStep, terminal: DebugTerminal, signal: AbortSignal): Promise<void>
  /**
   * The container snapshot `key` is prepared already and is still there afterwards, unmounted; nothing else is left.
   * Output is told as it comes. @throws when the process cannot start or was aborted; a non-zero exit code is an answer.
   */
  run(step: RunStep, output: (stream: 1 | 2, data: Uint8Array) => void, signal: AbortSignal): Promise<{ exitCode: number; oomKilled: boolean }>
}

export interface RunStep {
  /** 64 hexadecimal digits: id of snapshot, task and cgroup. */
  key: string
  config: ContainerConfig
  defaults: RunDefaults
  /** "default", "none", "host". */
  network: string
  /** RUN --security=insecure. */
  privileged: boolean
  mounts: StepMount[]
}

/** Host path and place in the step's root file system; `target` directories that were made for it are taken away again. */
export type StepMount =
  | { type: 'bind'; source: string; target: string; readOnly: boolean }
  | { type: 'tmpfs'; target: string; size?: number }
