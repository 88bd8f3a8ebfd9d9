import type { Ingest } from '../content/ingest.ts'
import { parseReference, withDefaultTag, type Reference } from '../../lib/reference.ts'
import { isDigest } from '../../lib/reference.ts'
import type { Platform } from '../distribution/contract.ts'
import { hostPlatform, suits } from '../distribution/platform.ts'
import type { Candidate } from './docker-archive.ts'
import { isObject } from './image-document.ts'
import { badArchive, parseDocument, type UnpackedArchive } from './unpacked-archive.ts'

const indexTypes = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json']
const manifestTypes = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']
const deepestNesting = 4

interface Descriptor {
  mediaType: string
  digest: string
  annotations: Record<string, unknown>
  platform: Record<string, unknown> | undefined
}

/** The images of an OCI image layout (image-spec image-layout.md), one a name; undefined when it is none. */
export function readOciLayout(archive: UnpackedArchive, platform: Platform = hostPlatform): Candidate[] | undefined {
  if (!archive.has('index.json')) return undefined
  const candidates = new Map<string, Candidate>()
  for (const descriptor of descriptors(archive.document('index.json'), 'index.json')) {
    if (isAttestation(descriptor)) continue
    const manifest = imageManifest(archive, descriptor, { platform, depth: 0 })
    if (manifest === undefined) throw badArchive(`${descriptor.digest} has no image for this platform`)
    const candidate = candidates.get(manifest.digest) ?? readManifest(archive, manifest)
    candidate.names.push(...namesOf(descriptor))
    candidates.set(manifest.digest, candidate)
  }
  return [...candidates.values()]
}

/** Follows indexes to the manifest of this platform. */
function imageManifest(archive: UnpackedArchive, descriptor: Descriptor, { platform, depth }: { platform: Platform; depth: number }): Descriptor | undefined {
  if (manifestTypes.includes(descriptor.mediaType)) return descriptor
  if (!indexTypes.includes(descriptor.mediaType)) throw badArchive(`media type ${JSON.stringify(descriptor.mediaType)} is no image`)
  if (depth === deepestNesting) throw badArchive('its indexes are nested too deep')
  const name = `index ${descriptor.digest}`
  const nested = descriptors(parse(archive, descriptor.digest, name), name).filter((each) => !isAttestation(each))
  const chosen = best(nested, platform) ?? nested.find((each) => each.platform === undefined)
  return chosen && imageManifest(archive, chosen, { platform, depth: depth + 1 })
}

function readManifest(archive: UnpackedArchive, descriptor: Descriptor): Candidate {
  const name = `manifest ${descriptor.digest}`
  const manifest = parse(archive, descriptor.digest, name)
  if (!isObject(manifest) || !Array.isArray(manifest['layers'])) throw badArchive(`${name} has no layers`)
  const config = toDescriptor(manifest['config'], name)
  return {
    config: blob(archive, config.digest),
    configName: blobName(config.digest),
    layers: manifest['layers'].map((layer: unknown) => blob(archive, toDescriptor(layer, name).digest)),
    names: [],
  }
}

function parse(archive: UnpackedArchive, digest: string, name: string): unknown {
  blob(archive, digest)
  return parseDocument(name, archive.bytes(blobName(digest)))
}

/** @throws InvalidParameter when the blob is missing or not what its name says */
function blob(archive: UnpackedArchive, digest: string): Ingest {
  const file = archive.required(blobName(digest))
  if (file.seal() !== digest) throw badArchive(`content digest ${file.seal()} does not match the expected ${digest}`)
  return file
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

function descriptors(index: unknown, name: string): Descriptor[] {
  if (!isObject(index) || !Array.isArray(index['manifests'])) throw badArchive(`${name} has no manifests`)
  return index['manifests'].map((each: unknown) => toDescriptor(each, name))
}

function toDescriptor(value: unknown, name: string): Descriptor {
  if (!isObject(value) || typeof value['digest'] !== 'string' || !isDigest(value['digest'])) {
    throw badArchive(`${name} has a descriptor without a digest`)
  }
  return {
    mediaType: typeof value['mediaType'] === 'string' ? value['mediaType'] : '',
    digest: value['digest'],
    annotations: isObject(value['annotations']) ? value['annotations'] : {},
    platform: isObject(value['platform']) ? value['platform'] : undefined,
  }
}

function best(nested: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const fitting = nested.filter(({ platform }) => platform !== undefined && suits(platform, wanted))
  return fitting.find(({ platform }) => (platform!['variant'] ?? '') === (wanted.variant ?? '')) ?? fitting[0]
}

/** Provenance that build tools put beside images. */
function isAttestation({ annotations }: Descriptor): boolean {
  return annotations['vnd.docker.reference.type'] === 'attestation-manifest'
}

/** containerd's annotation is a whole reference; OCI's may be a tag only, which names no image. */
function namesOf({ annotations }: Descriptor): Reference[] {
  const full = annotations['io.containerd.image.name']
  if (typeof full === 'string') return [withDefaultTag(parseReference(full))]
  const short = annotations['org.opencontainers.image.ref.name']
  return typeof short === 'string' && /[:/]/.test(short) ? [withDefaultTag(parseReference(short))] : []
}
