import type { Ingest } from '../content/ingest.ts'
import { parseReference, withDefaultTag, type Reference } from '../../lib/reference.ts'
import { isDigest } from '../../lib/reference.ts'
import type { Platform } from '../distribution/contract.ts'
import { hostPlatform, suits } from '../distribution/platform.ts'
import type { Candidate, ListedIn } from './docker-archive.ts'
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

/**
 * The images of an OCI image layout (image-spec image-layout.md), one a name, and of an index one for each platform that is there, this
 * host's own first; undefined when it is none. `platform`: the only one that is wanted.
 */
export function readOciLayout(archive: UnpackedArchive, platform?: Platform): Candidate[] | undefined {
  return archive.has('index.json') ? readLayout(archive, { platform, onlyIndexes: false }) : undefined
}

/** Those of them that are of several platforms; none for an archive without a layout. */
export function readOciIndexes(archive: UnpackedArchive): Candidate[] {
  return archive.has('index.json') ? readLayout(archive, { platform: undefined, onlyIndexes: true }) : []
}

function readLayout(archive: UnpackedArchive, { platform, onlyIndexes }: { platform: Platform | undefined; onlyIndexes: boolean }): Candidate[] {
  const candidates = new Map<string, Candidate>()
  for (const descriptor of descriptors(archive.document('index.json'), 'index.json')) {
    if (isAttestation(descriptor)) continue
    const isIndex = indexTypes.includes(descriptor.mediaType)
    if (onlyIndexes && !isIndex) continue
    const manifests = imageManifests(archive, descriptor, { wanted: platform, depth: 0, seen: new Set() })
    if (manifests.length === 0) throw badArchive(`${descriptor.digest} has no image for this platform`)
    const said = isIndex ? attestationsOf(archive, descriptor) : undefined
    for (const manifest of manifests) {
      const candidate = candidates.get(manifest.digest) ?? readManifest(archive, manifest)
      candidate.names.push(...namesOf(descriptor))
      if (said) {
        const { digest, mediaType } = manifest
        candidate.index = { file: blob(archive, descriptor.digest), mediaType: descriptor.mediaType, manifest: { file: blob(archive, digest), mediaType }, attestations: said.get(digest) ?? [] }
      }
      candidates.set(manifest.digest, candidate)
    }
  }
  return [...candidates.values()]
}

interface Search {
  wanted: Platform | undefined
  depth: number
  /** Digests: an index that is listed a thousand times is read once. */
  seen: Set<string>
}

/** Follows indexes to the manifests: of the wanted platform, or of all that are there. */
function imageManifests(archive: UnpackedArchive, descriptor: Descriptor, { wanted, depth, seen }: Search): Descriptor[] {
  if (seen.has(descriptor.digest)) return []
  seen.add(descriptor.digest)
  if (manifestTypes.includes(descriptor.mediaType)) return [descriptor]
  if (!indexTypes.includes(descriptor.mediaType)) throw badArchive(`media type ${JSON.stringify(descriptor.mediaType)} is no image`)
  if (depth === deepestNesting) throw badArchive('its indexes are nested too deep')
  const name = `index ${descriptor.digest}`
  const nested = descriptors(parse(archive, descriptor.digest, name), name).filter((each) => !isAttestation(each) && (each.platform?.['os'] ?? 'linux') === 'linux')
  const first = best(nested, wanted ?? hostPlatform) ?? nested.find((each) => each.platform === undefined)
  const rest = wanted === undefined ? nested.filter((each) => each !== first && archive.has(blobName(each.digest))) : []
  const isThere = first !== undefined && (archive.has(blobName(first.digest)) || rest.length === 0)
  return [...(isThere ? [first] : []), ...rest].flatMap((each) => imageManifests(archive, each, { wanted, depth: depth + 1, seen }))
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

/** What an index has that is there, by the digest of the manifest that it is about. */
function attestationsOf(archive: UnpackedArchive, index: Descriptor): Map<string, ListedIn['attestations']> {
  const found = new Map<string, ListedIn['attestations']>()
  for (const descriptor of descriptors(parse(archive, index.digest, `index ${index.digest}`), `index ${index.digest}`)) {
    const subject = descriptor.annotations['vnd.docker.reference.digest']
    if (!isAttestation(descriptor) || typeof subject !== 'string' || !archive.has(blobName(descriptor.digest))) continue
    const name = `manifest ${descriptor.digest}`
    const manifest = parse(archive, descriptor.digest, name)
    if (!isObject(manifest) || !Array.isArray(manifest['layers'])) throw badArchive(`${name} has no layers`)
    const listed = [manifest['config'], ...(manifest['layers'] as unknown[])].map((each) => toDescriptor(each, name).digest)
    if (!listed.every((digest) => archive.has(blobName(digest)))) continue
    const attestation = { manifest: blob(archive, descriptor.digest), blobs: listed.map((digest) => blob(archive, digest)) }
    found.set(subject, [...(found.get(subject) ?? []), attestation])
  }
  return found
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
