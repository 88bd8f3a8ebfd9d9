import type { RemoteContent } from '../../containerd/distribution/remote-content.ts'
import type { Image } from '../../containerd/images/contract.ts'
import type { ImageCore } from '../../containerd/images/image-core.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { BuildCache } from '../cache/build-cache.ts'
import type { CacheImports } from '../cache/import-cache.ts'
import type { CacheMounts } from '../cache/cache-mounts.ts'
import type { BuildReport, BuildRequest, StepRunner } from '../contract.ts'
import type { Copier } from '../copy/contract.ts'
import type { Platform } from '../plan/contract.ts'

/** What every build of an engine shares. */
export interface BuildRoom {
  readonly kernel: Kernel
  /** Of the image store: its content, its snapshotter, what it holds. */
  readonly core: ImageCore
  readonly copier: Copier
  readonly runner: StepRunner
  readonly images: ImageSource
  /** Manifests and blobs of registries as they are, for caches and what goes there beside images. */
  readonly atRemote: <Result>(request: { reference: string; write: boolean; credentials: BuildRequest['credentials']; signal: AbortSignal }, use: (remote: RemoteContent, named: string) => Promise<Result>) => Promise<Result>
  readonly cache: BuildCache
  readonly cacheMounts: CacheMounts
  /** For mounts, sockets and secrets of builds under way; nothing in it outlives the engine. */
  readonly runtimeDir: string
  /** On the disk of the layers, for what is thrown away. */
  readonly scratchDir: string
  /** By key of the step: a second build that comes to the same step waits for the first. */
  readonly underWay: Map<string, Promise<void>>
  readonly log: (line: string) => void
}

/** Where base images come from. Made by the engine room. */
export interface ImageSource {
  /** The image is in the store when this settles; pulled when it is missing, or with `pull`. `reference` has its digest where one is known. */
  resolve(request: ResolveImage): Promise<{ image: Image; reference: string }>
}

export interface ResolveImage {
  reference: string
  platform: Platform
  /** The platform was asked for by name. */
  explicit: boolean
  pull: boolean
  /** NotFound rather than a pull. */
  onlyHere?: boolean
  credentials: BuildRequest['credentials']
  progress: (status: { id: string; text: string; current: number; total: number }) => void
  signal: AbortSignal
}

/** One build. */
export interface BuildJob {
  /** Random: ids of vertices begin from it. */
  readonly id: string
  readonly request: BuildRequest
  readonly report: BuildReport
  /** Aborts with the first step that fails, too. */
  readonly signal: AbortSignal
  /** Done in the reverse order at the end, whatever the end is. */
  readonly cleanups: (() => unknown)[]
  /** Of --cache-from; undefined until they were opened. */
  imports?: CacheImports
}
