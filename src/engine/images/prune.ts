import type { Filters, Images } from '../engine.ts'
import type { Image, ImageStore } from '../../containerd/images/contract.ts'
import type { LayerSize } from '../../containerd/snapshots/contract.ts'
import { GantryError } from '../../lib/errors.ts'
import { chainIds } from './describe.ts'
import { booleanFilter, createdBefore, labels } from './filter.ts'

export interface PruneImages {
  store: ImageStore
  filters: Filters
  inUse: (imageId: string) => { id: string; running: boolean }[]
  remove: Images['remove']
  layerSize: LayerSize
}

const known = new Set(['dangling', 'label', 'label!', 'until'])

/** Removes dangling images, or with dangling=false every image, that no container uses. */
export async function pruneImages({ store, filters, inUse, remove, layerSize }: PruneImages): ReturnType<Images['prune']> {
  for (const key of filters.keys()) if (!known.has(key)) throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
  const onlyDangling = [...(filters.get('dangling') ?? ['true'])].every((value) => booleanFilter('dangling', value))
  const tests = [labels(filters), ...[...(filters.get('until') ?? [])].map(createdBefore)]
  const before = layerBytes(store, layerSize)
  const deleted: { Untagged?: string; Deleted?: string }[] = []
  for (const image of store.list()) {
    const named = image.repoTags.length > 0 || image.repoDigests.length > 0
    // Of another platform goes with the image whose names it has, and keeps that one as long as a container was made of it.
    const users = [image.id, ...(image.variants ?? [])].flatMap(inUse)
    if (image.isVariant === true || (onlyDangling && named) || users.length > 0 || !tests.every((test) => test(image))) continue
    deleted.push(...(await removeAllNames(image, { store, remove })))
  }
  const after = layerBytes(store, layerSize)
  let reclaimed = 0
  for (const [chainId, size] of before) if (!after.has(chainId)) reclaimed += size
  return { ImagesDeleted: deleted, SpaceReclaimed: reclaimed }
}

async function removeAllNames(image: Image, { store, remove }: Pick<PruneImages, 'store' | 'remove'>): ReturnType<Images['remove']> {
  const lines: { Untagged?: string; Deleted?: string }[] = []
  for (const name of image.repoTags.length > 0 ? image.repoTags : [image.id]) {
    // An image may have gone with one that it was the parent of, or have got a container meanwhile.
    if (store.find(name) === undefined) continue
    try {
      lines.push(...(await remove(name, { force: false, noPrune: false })))
    } catch (error) {
      if (!(error instanceof GantryError) || error.kind !== 'Conflict') throw error
    }
  }
  return lines
}

/** Bytes of every layer that an image needs, each once. */
export function layerBytes(store: ImageStore, layerSize: LayerSize): Map<string, number> {
  const layers = new Map<string, number>()
  for (const image of store.list()) for (const chainId of chainIds(image.diffIds)) layers.set(chainId, layerSize(chainId))
  return layers
}
