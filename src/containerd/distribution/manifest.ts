import { GantryError } from '../../lib/errors.ts'
import { isDigest } from '../../lib/reference.ts'
import { isObject } from '../images/image-document.ts'
import type { Platform } from './contract.ts'

export const mediaTypes = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
} as const

/** What a registry is told that we can read. */
export const acceptedManifests = [mediaTypes.dockerManifest, mediaTypes.dockerList, mediaTypes.ociManifest, mediaTypes.ociIndex]

const legacyTypes = ['application/vnd.docker.distribution.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v1+prettyjws']

/** OCI image-spec descriptor.md. */
export interface Descriptor {
  mediaType: string
  digest: string
  size: number
  /** Where a layer lies that registries may not give away. */
  urls?: string[]
}

export interface ImageManifest {
  kind: 'image'
  config: Descriptor
  /** From the bottom up. */
  layers: Descriptor[]
}

export interface ImageIndex {
  kind: 'index'
  /** `attests`: digest of the manifest that an attestation is about. */
  manifests: (Descriptor & { platform?: Platform; attestation: boolean; attests?: string })[]
}

/**
 * Reads a manifest of either family: OCI image-spec manifest.md and image-index.md, Docker's image manifest v2 schema 2.
 * `mediaType` is the registry's word, which counts where the document says nothing.
 * `name` is the whole reference. @throws InvalidParameter for what is none; of the formats before, with Docker's text
 */
export function parseManifest(bytes: Buffer, mediaType: string, name: string): ImageManifest | ImageIndex {
  const document = parseJson(bytes, name)
  const type = typeof document['mediaType'] === 'string' ? document['mediaType'] : (mediaType.split(';')[0] ?? '').trim()
  if (document['schemaVersion'] === 1 || legacyTypes.includes(type)) {
    throw new GantryError(
      'InvalidParameter',
      `Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed. Suggest the author of ${name} to upgrade the image to the OCI Format or Docker Image manifest v2, schema 2. More information at https://docs.docker.com/go/deprecated-image-specs/`,
    )
  }
  if (type === mediaTypes.dockerList || type === mediaTypes.ociIndex || Array.isArray(document['manifests'])) return readIndex(document, name)
  return readImage(document, name)
}

function readImage(document: Record<string, unknown>, name: string): ImageManifest {
  const { config, layers } = document
  if (!Array.isArray(layers)) throw bad(name, 'it has no layers')
  const manifest: ImageManifest = { kind: 'image', config: descriptor(config, name), layers: layers.map((each: unknown) => ({ ...descriptor(each, name), ...foreignUrls(each) })) }
  const type = manifest.config.mediaType
  const isImage = type === '' || type === mediaTypes.dockerConfig || type === mediaTypes.ociConfig || type === 'application/octet-stream' || type === 'application/json'
  if (!isImage) throw new GantryError('InvalidParameter', `invalid manifest of ${name}: encountered remote ${JSON.stringify(type)} (unknown) when fetching, which is no container image`)
  return manifest
}

/** Everything that a manifest lists, whatever it is a manifest of. @throws InvalidParameter for what is none */
export function listedContent(bytes: Buffer, name: string): Descriptor[] {
  const { config, layers } = parseJson(bytes, name)
  if (!Array.isArray(layers)) throw bad(name, 'it has no layers')
  return [config, ...(layers as unknown[])].map((each) => descriptor(each, name))
}

function readIndex(document: Record<string, unknown>, name: string): ImageIndex {
  const { manifests } = document
  if (!Array.isArray(manifests)) throw bad(name, 'it has no manifests')
  return {
    kind: 'index',
    manifests: manifests.map((each: unknown) => {
      const { platform, annotations } = each as Record<string, unknown>
      const attestation = isObject(annotations) && annotations['vnd.docker.reference.type'] === 'attestation-manifest'
      const attests = attestation ? annotations['vnd.docker.reference.digest'] : undefined
      return { ...descriptor(each, name), ...(isObject(platform) && { platform: platformOf(platform) }), attestation, ...(typeof attests === 'string' && { attests }) }
    }),
  }
}

function platformOf({ architecture, os, variant }: Record<string, unknown>): Platform {
  return { architecture: text(architecture), os: text(os), ...(text(variant) !== '' && { variant: text(variant) }) }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function descriptor(value: unknown, name: string): Descriptor {
  if (!isObject(value)) throw bad(name, 'a descriptor is no object')
  const { mediaType, digest, size } = value
  if (typeof digest !== 'string' || !isDigest(digest) || !digest.startsWith('sha256:')) throw bad(name, `${JSON.stringify(digest)} is no sha256 digest`)
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw bad(name, `${digest} has no size`)
  return { mediaType: typeof mediaType === 'string' ? mediaType : '', digest, size: size as number }
}

const foreignTypes = /^application\/vnd\.(docker\.image\.rootfs\.foreign\.diff|oci\.image\.layer\.nondistributable)\./

function foreignUrls(layer: unknown): { urls?: string[] } {
  const { mediaType, urls } = layer as Record<string, unknown>
  if (typeof mediaType !== 'string' || !foreignTypes.test(mediaType) || !Array.isArray(urls)) return {}
  return { urls: urls.filter((each) => typeof each === 'string' && /^https?:\/\//.test(each)) as string[] }
}

function parseJson(bytes: Buffer, name: string): Record<string, unknown> {
  let document: unknown
  try {
    document = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new GantryError('InvalidParameter', `invalid manifest of ${name}: it is no JSON`, { cause: error })
  }
  if (!isObject(document)) throw bad(name, 'it is no object')
  return document
}

function bad(name: string, reason: string): GantryError {
  return new GantryError('InvalidParameter', `invalid manifest of ${name}: ${reason}`)
}
