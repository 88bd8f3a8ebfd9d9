import type { Snapshotter } from '../../containerd/snapshots/contract.ts'

/** Bytes of the layer with a chain id; 0 for one that is not there. */
export type LayerSizes = (chainId: string) => Promise<number>

/** Extraction is idempotent by chain id and says how large the layer is: for a layer that exists the archive is not read. */
export function layerSizes(snapshotter: Pick<Snapshotter, 'hasLayer' | 'extract'>): LayerSizes {
  return async (chainId) => {
    if (!snapshotter.hasLayer(chainId)) return 0
    const { size } = await snapshotter.extract({ chainId, parent: undefined, tar: noArchive() })
    return size
  }
}

// oxlint-disable-next-line require-yield
async function* noArchive(): AsyncGenerator<Uint8Array> {}
