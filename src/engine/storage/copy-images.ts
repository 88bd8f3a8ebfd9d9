import { createHash } from 'node:crypto'
import { GantryError } from '../../lib/errors.ts'
import type { ImageCore } from '../../containerd/images/image-core.ts'
import type { ImageDatabase, StoredImage } from '../../containerd/images/image-database.ts'
import type { StoredIndex } from '../../containerd/images/name-indexes.ts'
import { LayerTar } from '../../containerd/images/layer-tar.ts'
import type { Snapshotter } from '../../containerd/snapshots/contract.ts'

export interface CopyImages {
  from: ImageCore
  to: { database: ImageDatabase; snapshotter: Snapshotter }
  progress: (line: string) => void
}

/** Makes the other store hold what this one does: images, layers, names. What it has already is not copied again. */
export async function copyImages({ from, to, progress }: CopyImages): Promise<void> {
  for (const image of from.database.images.values()) {
    await copyLayers({ from, to, progress }, image)
    await copyRecord({ from, to, progress }, image)
  }
  for (const [name, id] of from.database.names) {
    const index = from.database.indexes.get(name)
    const copied = to.database.indexes.get(name)
    if (index !== undefined && !(copied?.digest === index.digest && sameNames([...index.images], [...copied.images]) && sameNames(manifestsOf(index), manifestsOf(copied)))) copyIndex({ from, to }, { name, id, index })
  }
}

async function copyLayers({ from, to, progress }: CopyImages, { layers }: StoredImage): Promise<void> {
  // Written down first, so that a kill leaves no layer that nobody remembers.
  to.database.addPending(layers.map(({ chainId }) => ({ kind: 'layer', key: chainId })))
  for (const [at, { chainId, diffId, blob }] of layers.entries()) {
    if (to.snapshotter.hasLayer(chainId)) continue
    progress(`${diffId.slice(7, 19)}: Copying`)
    const tar = new LayerTar({ path: from.content.path(blob), digest: blob }, { diffId, at })
    await to.snapshotter.extract({ chainId, parent: layers[at - 1]?.chainId, tar: verified(tar, diffId) })
  }
}

/** The store may have been damaged since the blob came in. */
async function* verified(tar: AsyncIterable<Uint8Array>, diffId: string): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  for await (const chunk of tar) {
    hash.update(chunk)
    yield chunk
  }
  if (`sha256:${hash.digest('hex')}` !== diffId) throw new GantryError('System', `cannot copy layer ${diffId}: what is stored of it is damaged`)
}

async function copyRecord({ from, to, progress }: CopyImages, image: StoredImage): Promise<void> {
  const names = namesOf(from.database, image.id)
  const known = to.database.images.get(image.id)
  if (known !== undefined && sameNames(names, namesOf(to.database, image.id)) && sameBlobs(known, image)) return
  if (known !== undefined) to.database.remove(known)
  const { lastTagged } = image
  const tags = names.filter((name) => !name.includes('@'))
  to.database.add(structuredClone(image), await from.content.readAll(image.id), tags)
  for (const name of names) if (name.includes('@')) to.database.addDigestName(name, image.id)
  for (const { blob } of image.layers) for (const repository of from.database.sources(blob)) to.database.addSources(repository, [blob])
  to.database.images.get(image.id)!.lastTagged = lastTagged
  progress(`${tags[0] ?? image.id.slice(0, 19)}: Copied`)
}

function copyIndex({ from, to }: Pick<CopyImages, 'from' | 'to'>, { name, id, index }: { name: string; id: string; index: StoredIndex }): void {
  to.database.setName(name, id, index)
  to.database.images.get(id)!.lastTagged = from.database.images.get(id)!.lastTagged
}

/** Takes out of the other store what this one does not have any more. */
export function dropStrangers(from: ImageDatabase, to: ImageDatabase): void {
  for (const image of to.images.values()) if (!from.images.has(image.id)) to.remove(image)
  for (const [name, id] of to.names) if (from.names.get(name) !== id) to.removeName(name)
  for (const name of to.indexes.keys()) if (!from.indexes.has(name)) to.removeIndex(name)
}

function namesOf(database: ImageDatabase, id: string): string[] {
  return [...database.names].filter(([, image]) => image === id).map(([name]) => name).toSorted()
}

function manifestsOf({ attestations }: StoredIndex): string[] {
  return attestations.map(({ manifest }) => manifest)
}

function sameNames(a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((name, at) => name === b[at])
}

function sameBlobs(a: StoredImage, b: StoredImage): boolean {
  return a.layers.every(({ blob }, at) => blob === b.layers[at]?.blob) && a.manifest?.digest === b.manifest?.digest
}
