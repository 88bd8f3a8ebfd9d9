import { GantryError } from '../../lib/errors.ts'
import type { ExportSpec } from '../contract.ts'
import type { Platform } from '../plan/contract.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import { hasAnnotations, readAnnotations } from './annotations.ts'
import { attestationManifest, type Statement } from './attestation.ts'
import type { Descriptor } from '../../containerd/images/contract.ts'
import { blobOf, descriptorOf, dockerTypes, documentOf, ociTypes, unique, type OciBlob, type OciContent, type OciDocument } from './content.ts'
import type { BuiltImage } from './export-image.ts'
import { layerBlob, layerType, readPacking } from './layer-blob.ts'

/** The image of one platform, with what is said of it. */
export interface PlatformImage {
  platform: Platform
  built: BuiltImage
  /** @param subject the digest of the manifest */
  statements: readonly Statement[]
}

/** Is anything asked for that an image of the store cannot say? */
export function needsContent(images: readonly PlatformImage[], { attributes }: ExportSpec): boolean {
  return images.length > 1 || images.some(({ statements }) => statements.length > 0) || hasAnnotations(attributes) || special.some((name) => attributes[name] !== undefined)
}

const special = ['compression', 'compression-level', 'force-compression', 'oci-mediatypes', 'tar']

/** Manifests of every platform, with attestations and an index where they are needed. */
export async function imageContent(room: BuildRoom, job: BuildJob, { images, spec, names }: { images: readonly PlatformImage[]; spec: ExportSpec; names: readonly string[] }): Promise<OciContent> {
  const annotations = readAnnotations(spec.attributes)
  const packing = readPacking(spec.attributes)
  const isIndex = images.length > 1 || images.some(({ statements }) => statements.length > 0)
  if (!isIndex && Object.keys(annotations.index).length > 0) throw new GantryError('InvalidParameter', 'index annotations not supported for single platform export')
  const types = isDocker(spec, isIndex || hasAnnotations(spec.attributes) || packing.kind === 'zstd') ? dockerTypes : ociTypes
  const blobs: OciBlob[] = []
  const documents: OciDocument[] = []
  const listed: Descriptor[] = []
  const attestations: Descriptor[] = []
  for (const { platform, built, statements } of images) {
    const layers = []
    for (const layer of built.stack) layers.push(await layerBlob(room, job, layer, packing))
    const config = blobOf(built.bytes)
    const said = annotations.manifest(platform)
    const manifest = documentOf(
      {
        schemaVersion: 2,
        mediaType: types.manifest,
        config: { mediaType: types.config, digest: config.digest, size: config.size },
        layers: layers.map(({ digest, size, kind }) => ({ mediaType: layerType(types.layer, kind), digest, size })),
        ...(Object.keys(said).length > 0 && { annotations: said }),
      },
      types.manifest,
    )
    blobs.push(...layers, config)
    documents.push(manifest)
    listed.push(descriptorOf(manifest, { platform: shown(platform), annotations: annotations.manifestDescriptor(platform) }))
    if (statements.length === 0) continue
    const attestation = attestationManifest(statements, { digest: manifest.digest, names, platform })
    blobs.push(...attestation.blobs)
    documents.push(attestation.manifest)
    attestations.push(attestation.descriptor)
  }
  if (!isIndex) return { root: listed[0]!, blobs: unique(blobs), documents }
  const index = documentOf(
    { schemaVersion: 2, mediaType: types.index, manifests: [...listed, ...attestations], ...(Object.keys(annotations.index).length > 0 && { annotations: annotations.index }) },
    types.index,
  )
  return { root: descriptorOf(index, { annotations: annotations.indexDescriptor }), blobs: unique(blobs), documents: unique([...documents, index]) }
}

/** Docker's media types are for those who ask for them, and for plain images of the docker exporter. */
function isDocker({ type, attributes }: ExportSpec, isRich: boolean): boolean {
  const asked = attributes['oci-mediatypes']
  if (asked === undefined) return type === 'docker' && !isRich
  if (/^(1|t|true)$/i.test(asked)) return false
  if (isRich) throw new GantryError('InvalidParameter', 'cannot export annotations, attestations or zstd with "oci-mediatypes=false"')
  return true
}

export function shown({ architecture, os, variant }: Platform): NonNullable<Descriptor['platform']> {
  return { architecture, os, ...(variant !== undefined && { variant }) }
}
