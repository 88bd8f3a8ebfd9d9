import { createHash } from 'node:crypto'
import { GantryError } from '../../lib/errors.ts'
import { sweep, type ImageCore } from '../images/image-core.ts'
import { references, type StoredImage, type StoredLayer, type StoredManifest } from '../images/image-database.ts'
import type { Attestation } from '../images/name-indexes.ts'
import { chainIds, parseImageDocument } from '../images/image-document.ts'
import { LayerTar } from '../images/layer-tar.ts'
import type { Progress } from './contract.ts'
import { NetworkError } from './network-error.ts'
import type { Descriptor, ImageManifest } from './manifest.ts'
import { pullAttestations, type PulledAttestations } from './pull-attestations.ts'
import { PulledLayer } from './pulled-layer.ts'
import type { FetchedManifest, Repository } from './repository.ts'
import { retried } from './retry.ts'
import type { SharedDownloads } from './shared-downloads.ts'

const largestConfig = 8 << 20

export interface PullImage {
  core: ImageCore
  downloads: SharedDownloads
  repository: Repository
  fetched: FetchedManifest
  manifest: ImageManifest
  /** That it was chosen from. */
  index?: FetchedManifest
  progress: Progress
  signal?: AbortSignal
}

/** Pulls an image, and beside it what its index has that is about it. */
export async function pullImage(options: PullImage, names: readonly string[]): Promise<StoredImage> {
  const attested = pullAttestations(options)
  attested.catch(() => undefined) // the image's own failure is the one to show
  try {
    return await pullContent(options, { names, attested })
  } finally {
    await attested.then(({ letGo }) => letGo(), () => undefined)
    // Nothing to remove after a success. A failing clean-up must not hide the first failure; its rows stay for the next.
    await options.core.exclusive(() => sweep(options.core)).catch(() => undefined)
  }
}

interface Wanted {
  names: readonly string[]
  attested: Promise<PulledAttestations>
}

/**
 * Makes an image of a manifest: layers come down side by side and are unpacked in order, each as soon as it and the one
 * below are there. What it will need is written down as pending and held, so that a failure or a kill at any point leaves
 * the store as it was; downloads are kept by digest. The names come last, in the transaction that makes the image.
 */
async function pullContent(options: PullImage, { names, attested }: Wanted): Promise<StoredImage> {
  const { core, manifest, fetched, index } = options
  if (core.database.images.has(manifest.config.digest)) {
    const { attestations } = await attested
    const known = await core.exclusive(() => registerKnown(options, names, attestations))
    if (known) return known
  }
  const config = await fetchConfig(options.repository, manifest.config)
  const document = parseImageDocument(parseJson(config))
  const diffIds = document.rootfs.diff_ids
  if (diffIds.length !== manifest.layers.length) {
    throw new GantryError('InvalidParameter', `invalid manifest, layers length mismatch: expected ${manifest.layers.length}, got ${diffIds.length}`)
  }
  const id = manifest.config.digest
  const chain = chainIds(diffIds)
  const planned = manifest.layers.map(({ digest }, at) => ({ diffId: diffIds[at]!, chainId: chain[at]!, blob: digest, tarSize: 0, size: 0 }))
  const needed = [...references({ id, layers: planned, manifest: storedManifest(fetched) }), ...(index ? [{ kind: 'blob', key: index.digest } as const] : [])]
  // Not while a sweep is under way, which has looked at what is held already.
  const { present, letGo } = await core.exclusive(async () => {
    core.database.addPending(needed)
    const present = chain.map((chainId, at) => existing(core, chainId, manifest.layers[at]!.digest))
    return { present, letGo: core.holds.hold(needed) }
  })
  const layers: PulledLayer[] = []
  try {
    for (const [at, descriptor] of manifest.layers.entries()) layers.push(new PulledLayer(options, descriptor, present[at]))
    const stored: StoredLayer[] = []
    for (const [at, layer] of layers.entries()) {
      stored.push(await unpack(core, layer, { diffId: diffIds[at]!, chainId: chain[at]!, parent: chain[at - 1], at }))
    }
    const kept = await keepManifest(core, stored, options)
    const { attestations } = await attested
    return await core.exclusive(async () => {
      for (const layer of layers) await layer.commit()
      await core.content.write(only(config), id)
      return await register(options, { id, document, layers: stored, lastTagged: undefined, ...(kept && { manifest: kept }) }, { config, names, attestations })
    })
  } finally {
    for (const layer of layers) layer.release()
    letGo()
  }
}

/** An image that is here already gets the names, and the manifest if that is of use. */
async function registerKnown(options: PullImage, names: readonly string[], attestations: readonly Attestation[]): Promise<StoredImage | undefined> {
  const { core, manifest } = options
  const known = core.database.images.get(manifest.config.digest)
  if (known === undefined) return undefined
  const kept = known.manifest ?? (await keepManifest(core, known.layers, options))
  return await register(options, { ...known, ...(kept && { manifest: kept }) }, { config: await core.content.readAll(known.id), names, attestations })
}

async function register({ core, index }: PullImage, image: StoredImage, { config, names, attestations }: { config: Buffer; names: readonly string[]; attestations: readonly Attestation[] }): Promise<StoredImage> {
  if (index) {
    core.database.addPending([{ kind: 'blob', key: index.digest }])
    await core.content.write(only(index.bytes), index.digest)
  }
  core.database.add(image, config, names, index && { ...storedManifest(index), attestations })
  return core.database.images.get(image.id)!
}

function storedManifest({ digest, mediaType }: FetchedManifest): StoredManifest {
  return { digest, mediaType: (mediaType.split(';')[0] ?? '').trim() }
}

/**
 * The layer of another image. One that came in another compression has to come again, unpacked as it is: without its blob
 * the image could not be pushed as it was pulled.
 */
function existing(core: ImageCore, chainId: string, blob: string): StoredLayer | undefined {
  if (!core.snapshotter.hasLayer(chainId)) return undefined
  for (const image of core.database.images.values()) {
    const same = image.layers.find((layer) => layer.chainId === chainId && layer.blob === blob)
    if (same) return same
  }
  return undefined
}

async function unpack(core: ImageCore, layer: PulledLayer, plan: { diffId: string; chainId: string; parent: string | undefined; at: number }): Promise<StoredLayer> {
  const { diffId, chainId, parent } = plan
  if (layer.stored) return layer.stored
  const { file, onRead, signal } = await layer.arrived()
  const tar = new LayerTar(file, plan, { onRead, signal })
  if (core.snapshotter.hasLayer(chainId)) await tar.readThrough()
  const { size } = await core.snapshotter.extract({ chainId, parent, tar })
  layer.finish()
  return { diffId, chainId, blob: layer.descriptor.digest, tarSize: tar.size, size }
}

/** Only a manifest whose blobs we have is of use for a push. */
async function keepManifest(core: ImageCore, layers: readonly StoredLayer[], { manifest, fetched }: PullImage): Promise<StoredImage['manifest']> {
  if (!manifest.layers.every(({ digest }, at) => layers[at]?.blob === digest)) return undefined
  core.database.addPending([{ kind: 'blob', key: fetched.digest }])
  await core.content.write(only(fetched.bytes), fetched.digest)
  return storedManifest(fetched)
}

async function fetchConfig(repository: Repository, { digest, size }: Descriptor): Promise<Buffer> {
  if (size > largestConfig) throw new GantryError('InvalidParameter', `cannot pull ${repository.path}: its configuration has ${size} bytes`)
  return await retried(async () => {
    const { stream, request } = await repository.blob(digest)
    const chunks: Buffer[] = []
    let length = 0
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        length += chunk.length
        if (length > size) break
        chunks.push(chunk)
      }
    } catch (error) {
      throw new NetworkError(request, error)
    }
    const bytes = Buffer.concat(chunks)
    const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    if (length !== size || found !== digest) throw new GantryError('InvalidParameter', `image config verification failed for digest ${digest}`)
    return bytes
  }, undefined)
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw new GantryError('InvalidParameter', 'invalid image configuration: it is no JSON', { cause: error })
  }
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes
}
