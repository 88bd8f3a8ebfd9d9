import type { Ingest } from '../content/ingest.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Candidate } from './docker-archive.ts'
import { sweep, type ImageCore } from './image-core.ts'
import { references, type GivenIndex, type StoredImage, type StoredLayer, type StoredManifest } from './image-database.ts'
import type { Attestation } from './name-indexes.ts'
import { chainIds, parseImageDocument } from './image-document.ts'
import { LayerTar } from './layer-tar.ts'
import { parseDocument } from './unpacked-archive.ts'

const largestConfig = 8 << 20

/**
 * Makes an image of a candidate: unpacks and verifies its layers, keeps its blobs, names it. What it will need is
 * written down as pending first, so that a failure or a kill at any point leaves nothing behind.
 * @throws InvalidParameter for a configuration or layer that is not what it says
 */
export async function registerImage(core: ImageCore, candidate: Candidate, names: readonly string[]): Promise<StoredImage> {
  const { config, configName } = candidate
  if (config.size > largestConfig) throw new GantryError('InvalidParameter', `cannot load archive: ${configName} has ${config.size} bytes`)
  const bytes = config.readAll()
  const document = parseImageDocument(parseDocument(configName, bytes))
  const diffIds = document.rootfs.diff_ids
  if (diffIds.length !== candidate.layers.length) {
    throw new GantryError('InvalidParameter', `invalid manifest, layers length mismatch: expected ${candidate.layers.length}, got ${diffIds.length}`)
  }
  const id = config.seal()
  const known = core.database.images.get(id)
  const index = await keepIndex(core, candidate)
  if (known) {
    const manifest = known.manifest ?? (await keepManifest(core, candidate, known.layers))
    core.database.add({ ...known, ...(manifest && { manifest }) }, bytes, names, index)
    return core.database.images.get(id)!
  }
  const chain = chainIds(diffIds)
  const planned = candidate.layers.map((blob, at) => ({ diffId: diffIds[at]!, chainId: chain[at]!, blob: blob.seal(), tarSize: 0, size: 0 }))
  core.database.addPending(references({ id, layers: planned }))
  try {
    const layers: StoredLayer[] = []
    for (const [at, blob] of candidate.layers.entries()) {
      layers.push(await registerLayer(core, blob, { diffId: diffIds[at]!, chainId: chain[at]!, parent: chain[at - 1], at }))
    }
    await config.commit()
    const manifest = await keepManifest(core, candidate, layers)
    core.database.add({ id, document, layers, lastTagged: undefined, ...(manifest && { manifest }) }, bytes, names, index)
    return core.database.images.get(id)!
  } catch (error) {
    // A failing clean-up must not hide the first failure; its rows stay for the next sweep.
    await sweep(core).catch(() => undefined)
    throw error
  }
}

/** Its blob may have come with the image of another platform, and is pending until a name refers to it. */
async function keepIndex(core: ImageCore, { index, config }: Candidate): Promise<GivenIndex | undefined> {
  if (index === undefined) return undefined
  const files = [index.file, ...index.attestations.flatMap(({ manifest, blobs }) => [manifest, ...blobs])]
  await keepFiles(core, files)
  const attestations = index.attestations.map(({ manifest, blobs }): Attestation => ({ image: config.seal(), manifest: manifest.seal(), blobs: blobs.map((blob) => blob.seal()) }))
  return { digest: index.file.seal(), mediaType: index.mediaType, attestations }
}

/** An image of an index can be pushed as the index has it if its layers are kept in the form that they came in. */
async function keepManifest(core: ImageCore, { index, layers }: Candidate, stored: readonly StoredLayer[]): Promise<StoredManifest | undefined> {
  if (index === undefined || !layers.every((layer, at) => layer.seal() === stored[at]?.blob)) return undefined
  const { file, mediaType } = index.manifest
  await keepFiles(core, [file])
  return { digest: file.seal(), mediaType }
}

async function keepFiles({ content, database }: ImageCore, files: readonly Ingest[]): Promise<void> {
  database.addPending(files.map((file) => ({ kind: 'blob', key: file.seal() })))
  for (const file of files) if (!content.has(file.seal())) await file.commit()
}

interface LayerPlan {
  diffId: string
  chainId: string
  parent: string | undefined
  at: number
}

async function registerLayer(core: ImageCore, blob: Ingest, plan: LayerPlan): Promise<StoredLayer> {
  const { diffId, chainId, parent } = plan
  for (const image of core.database.images.values()) {
    const same = image.layers.find((layer) => layer.chainId === chainId)
    if (same && core.snapshotter.hasLayer(chainId)) return same
  }
  const tar = new LayerTar({ path: blob.path, digest: blob.seal() }, plan)
  if (core.snapshotter.hasLayer(chainId)) await tar.readThrough()
  const { size } = await core.snapshotter.extract({ chainId, parent, tar })
  const { digest } = await blob.commit()
  return { diffId, chainId, blob: digest, tarSize: tar.size, size }
}
