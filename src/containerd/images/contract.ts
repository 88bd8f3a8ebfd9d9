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
  /**
   * Resolves a reference or id (prefix). A name of several platforms' images means the host's, or the one of the platform that is
   * asked for. @throws NotFound, also when what is there is of another platform
   */
  get(reference: string, platform?: string): Image
  find(reference: string, platform?: string): Image | undefined
  /** What the image's index lists, whether it is here or not; an image without an index is one manifest. */
  manifests(image: Image): Promise<ManifestSummary[]>
  /** Of its index, or else of its manifest. */
  descriptor(image: Image): Promise<Descriptor>
  list(): Image[]
  tag(source: string, target: string): void
  /**
   * Untags or deletes as `docker rmi` does. `inUse` names the containers of an image: Conflict texts
   * name them. @returns the lines of the reply, in order.
   */
  remove(reference: string, options: RemoveImage): Promise<{ Untagged?: string; Deleted?: string }[]>
  /** docker-archive or OCI layout, plain, gzip or zstd. Progress lines as docker load's stream. Transactional per image. */
  load(archive: AsyncIterable<Uint8Array>, progress: (line: string) => void, options?: ForPlatform): Promise<Image[]>
  /** A root file system tar becomes a one-layer image. */
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
  /** Takes only the images of these from a name that has several. */
  platforms?: readonly string[]
  inUse: (imageId: string) => { id: string; running: boolean }[]
}

export interface ImportImage {
  reference?: string
  message?: string
  /** What containers of it run with; nothing when it is left out. */
  config?: ContainerConfig
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
  /** Ids of the images of other platforms that its names stand for. */
  readonly variants?: readonly string[]
  /** It has no name of its own: it is one of the variants of another image. */
  readonly isVariant?: boolean
}

/** OCI image-spec descriptor.md. */
export interface Descriptor {
  mediaType: string
  digest: string
  size: number
  platform?: { architecture: string; os: string; variant?: string }
  annotations?: Record<string, string>
}

/** ImageManifestSummary of the Engine API 1.48, without the containers. */
export interface ManifestSummary {
  id: string
  descriptor: Descriptor
  kind: 'image' | 'attestation' | 'unknown'
  /** The image, when it is here. */
  image: Image | undefined
  /** Bytes of its blobs that are here. */
  content: number
  /** All of it. */
  isHere: boolean
  /** For an attestation: digest of the manifest that it is about. */
  attests?: string
}
