import type { Descriptor } from '../../containerd/images/contract.ts'
import { digestOf } from '../../containerd/images/image-document.ts'

/** Bytes that are there as long as the build lasts. */
export interface OciBlob {
  digest: string
  size: number
  open: () => AsyncIterable<Uint8Array>
}

/** One that is in memory. */
export type SmallBlob = OciBlob & { bytes: Buffer }

/** A document that names others: a manifest or an index. */
export interface OciDocument {
  digest: string
  mediaType: string
  bytes: Buffer
}

/** Something that can be given away whole: an image, an index, a cache. */
export interface OciContent {
  root: Descriptor
  /** Each once. */
  blobs: OciBlob[]
  /** What another one names comes before it; the root is the last. */
  documents: OciDocument[]
}

export const ociTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
} as const

export const dockerTypes = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar',
} as const

export function documentOf(value: object, mediaType: string): OciDocument {
  const bytes = Buffer.from(JSON.stringify(value))
  return { digest: digestOf(bytes), mediaType, bytes }
}

export function blobOf(bytes: Buffer): SmallBlob {
  return { digest: digestOf(bytes), size: bytes.length, bytes, open: () => once(bytes) }
}

export function descriptorOf({ digest, mediaType, bytes }: OciDocument, more: Pick<Descriptor, 'platform' | 'annotations'> = {}): Descriptor {
  const { platform, annotations } = more
  return { mediaType, digest, size: bytes.length, ...(platform && { platform }), ...(annotations && Object.keys(annotations).length > 0 && { annotations }) }
}

/** Each digest once, in the order of its first appearance. */
export function unique<Item extends { digest: string }>(items: readonly Item[]): Item[] {
  return [...new Map(items.map((item) => [item.digest, item])).values()]
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
