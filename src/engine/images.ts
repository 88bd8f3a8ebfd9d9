import type { Readable } from 'node:stream'
import type { Events, Images } from './engine.ts'
import { changedConfig } from './images/changed-config.ts'
import { describeHistory, describeImage, describeManifests, summarizeImage } from './images/describe.ts'
import { selectImages } from './images/filter.ts'
import { openImportSource } from './images/import-source.ts'
import { pruneImages } from './images/prune.ts'
import { pullImages } from './images/pull.ts'
import { pushImages } from './images/push.ts'
import { searchImages } from './images/search.ts'
import { sharedSizes } from './images/shared-size.ts'
import type { Distribution } from '../containerd/distribution/contract.ts'
import type { Image, ImageStore } from '../containerd/images/contract.ts'
import type { LayerSize, Snapshotter } from '../containerd/snapshots/contract.ts'

export interface ImagesOptions {
  store: ImageStore
  distribution: Distribution
  snapshotter: Pick<Snapshotter, 'name' | 'layerGraphData'>
  events: Events
  /** Containers made from an image. */
  inUse: (imageId: string) => { id: string; running: boolean }[]
  /** Bytes of the layer with a chain id. */
  layerSize: LayerSize
}

/** Docker's image operations over the image store: its documents, filters and events. */
export function createImages(options: ImagesOptions): Images {
  const { store, distribution, snapshotter, events, inUse, layerSize } = options

  function announce(action: string, image: Image, name: string = image.id): void {
    events.emit('image', action, { ID: image.id, Attributes: { ...image.config.Labels, name } })
  }

  async function manifests(image: Image): Promise<Record<string, unknown>[]> {
    return describeManifests(await store.manifests(image), inUse)
  }

  async function remove(reference: string, choice: { force: boolean; noPrune: boolean; platforms?: readonly string[] }): ReturnType<Images['remove']> {
    const image = store.get(reference)
    const lines = await store.remove(reference, { ...choice, inUse })
    for (const line of lines) {
      if (line.Untagged !== undefined) announce('untag', image)
      // Lines of layers come after the image's own and are no images.
      else if (line.Deleted === image.id) announce('delete', image)
    }
    return lines
  }

  async function importTar(archive: AsyncIterable<Uint8Array>, { changes, ...request }: Parameters<Images['importTar']>[1]): Promise<string> {
    const image = await store.importTar(archive, { ...request, config: changedConfig({}, changes) })
    if (request.reference !== undefined) announce('tag', image, familiarTag(request.reference))
    announce('import', image)
    return image.id
  }

  return {
    store,
    remove,
    inspect: async (reference, choice = {}) => {
      const image = store.get(reference, choice.platform)
      const described = { ...describeImage(image, snapshotter), Descriptor: await store.descriptor(image) }
      return choice.manifests ? { ...described, Manifests: await manifests(image) } : described
    },
    list: async ({ all, filters, sharedSize, manifests: wanted }) => {
      const images = selectImages(store, { all, filters, used: (id) => inUse(id).length > 0 })
      const plain = images.map(summarizeImage)
      const rows: Record<string, unknown>[] = wanted ? await Promise.all(images.map(async (image, at) => ({ ...plain[at], Descriptor: await store.descriptor(image), Manifests: await manifests(image) }))) : plain
      if (!sharedSize) return rows
      const shared = sharedSizes(store, layerSize)
      return rows.map((row) => ({ ...row, SharedSize: shared.get(row['Id'] as string) ?? 0 }))
    },
    history: async (reference, platform) => describeHistory(store.get(reference, platform), layerSize),
    tag: async (source, target) => {
      store.tag(source, target)
      announce('tag', store.get(target), familiarTag(target))
    },
    load: async (archive: Readable, progress, options) => {
      for (const image of await store.load(archive, progress, options)) announce('load', image)
    },
    importTar,
    importFrom: async (source, { signal, ...request }, progress) =>
      await importTar(await openImportSource(source, { signal, progress }), { ...request, message: request.message || `Imported from ${source}` }),
    save: (references, options) => store.save(references, options),
    pull: (request, progress) => pullImages({ distribution, store, events, request, progress }),
    push: (request, progress) => pushImages({ distribution, store, events, request, progress }),
    search: (request) => searchImages(distribution, request),
    distributionInspect: (reference, credentials, signal) => distribution.inspect(reference, credentials, signal),
    login: (credentials) => distribution.login(credentials),
    prune: async (filters) => {
      const pruned = await pruneImages({ store, filters, inUse, remove, layerSize })
      events.emit('image', 'prune', { ID: '', Attributes: { reclaimed: String(pruned.SpaceReclaimed) } })
      return pruned
    },
  }
}

function familiarTag(reference: string): string {
  return reference.lastIndexOf(':') > reference.lastIndexOf('/') ? reference : `${reference}:latest`
}
