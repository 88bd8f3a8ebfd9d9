import type { ImageStore } from '../../containerd/images/contract.ts'
import type { LayerSize } from '../../containerd/snapshots/contract.ts'
import { chainIds } from './describe.ts'

/** By image id: bytes of its layers that other images have too. */
export function sharedSizes(store: ImageStore, layerSize: LayerSize): Map<string, number> {
  const chains = store.list().map((image) => ({ id: image.id, layers: chainIds(image.diffIds) }))
  const users = new Map<string, number>()
  for (const { layers } of chains) for (const layer of layers) users.set(layer, (users.get(layer) ?? 0) + 1)
  const shared = new Map<string, number>()
  for (const { id, layers } of chains) {
    let size = 0
    for (const layer of layers) if (users.get(layer)! > 1) size += layerSize(layer)
    shared.set(id, size)
  }
  return shared
}
