import type { Readable } from 'node:stream'
import type { ContainerConfig } from '../../engine/types/container-config.ts'
import type { CommitImage } from './commit-image.ts'

/**
 * Images: names for trees of content. An image's id is the digest of its configuration blob, as Docker's with the
 * classic store. An image without a name is *dangling*.
 *
 * References are familiar ("busybox", "localhost:5000/a/b:1", "name@sha256:…") and normalised inside
 * ("docker.io/library/busybox:latest"); everything returned to users is familiar again.
 * An image can be addressed by name, full id, "sha256:" id, or an unambiguous id prefix.
 * Errors: NotFound "No such image: x:latest"; InvalidParameter "invalid reference format" and kin; Conflict on remove.
 */
export interface ImageStore {
  /** Resolves a reference or id (prefix). @throws NotFound */
  get(reference: string): Image
  find(reference: string): Image | undefined
  list(): Image[]
  tag(source: string, target: string): void
  /**
   * Untags or deletes as `docker rmi` does. `inUse` names the containers of an image: Conflict texts
   * name them. @returns the lines of the reply, in order.
   */
  remove(reference: string, options: RemoveImage): Promise<{ Untagged?: string; Deleted?: string }[]>
  /** docker-archive or OCI layout, plain, gzip or zstd. Progress lines as docker load's stream. Transactional per image. */
  load(archive: AsyncIterable<Uint8Array>, progress: (line: string) => void, options?: ForPlatform): Promise<Image[]>
  /** A root file system tar becomes a one-layer image. `changes`: Dockerfile instructions CMD ENTRYPOINT ENV USER WORKDIR EXPOSE LABEL VOLUME STOPSIGNAL. */
  importTar(archive: AsyncIterable<Uint8Array>, options: ImportImage): Promise<Image>
  /** The image of a container: its image, and one more layer of what was changed. @throws NotFound when the parent is gone */
  commit(request: CommitImage): Promise<Image>
  /** docker-archive that is an OCI layout too, as `docker save` writes. Names that are given get RepoTags. */
  save(references: string[], options?: ForPlatform): Promise<Readable>
}

/** "os[/architecture[/variant]]": what is of another platform is passed over by load, and refused by save. */
export interface ForPlatform {
  platform?: string
}

export interface RemoveImage {
  force: boolean
  noPrune: boolean
  inUse: (imageId: string) => { id: string; running: boolean }[]
}

export interface ImportImage {
  reference?: string
  message?: string
  changes: string[]
  platform?: string
}

export interface Image {
  /** "sha256:<64 hex>", digest of the configuration blob. */
  readonly id: string
  /** Familiar "name:tag". */
  readonly repoTags: string[]
  /** Familiar "name@sha256:…". */
  readonly repoDigests: string[]
  /** RFC 3339 with nanoseconds as written in the configuration. */
  readonly created: string
  readonly architecture: string
  readonly variant?: string
  readonly os: string
  readonly author?: string
  readonly comment?: string
  readonly parent: string
  readonly config: ContainerConfig
  readonly diffIds: string[]
  /** Chain id of the topmost layer; undefined for an image without layers. */
  readonly chainId: string | undefined
  /** Bytes of all layers, uncompressed. */
  readonly size: number
  readonly history: { created?: string; created_by?: string; author?: string; comment?: string; empty_layer?: boolean }[]
  readonly lastTagTime?: string
}
