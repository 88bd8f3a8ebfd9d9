import type { LayerSize } from '../../containerd/snapshots/contract.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Containers, ContainerSummary, DiskUsageType, Images, VolumeInfo } from '../engine.ts'
import { layerBytes } from '../images/prune.ts'
import { sharedSizes } from '../images/shared-size.ts'

export interface DiskUsageSources {
  containers: Pick<Containers, 'list'>
  images: Images
  layerSize: LayerSize
  /** Volumes with their UsageData. */
  volumeUsage?: () => Promise<VolumeInfo[]>
  /** Records of the build cache. */
  buildCache?: () => Promise<Record<string, unknown>[]>
}

const known: readonly string[] = ['container', 'image', 'volume', 'build-cache'] satisfies DiskUsageType[]

/** GET /system/df: only what is asked for is counted; all of it without `types`. */
export async function diskUsage(sources: DiskUsageSources, types: readonly string[] = []): Promise<Record<string, unknown>> {
  for (const type of types) if (!known.includes(type)) throw new GantryError('InvalidParameter', `unknown object type: ${type}`)
  const wanted = (type: DiskUsageType): boolean => types.length === 0 || types.includes(type)
  return {
    ...(wanted('image') && (await imageUsage(sources))),
    ...(wanted('container') && { Containers: (await sources.containers.list({ all: true, limit: 0, size: true, filters: new Map() })).map(withoutManifest) }),
    ...(wanted('volume') && { Volumes: (await sources.volumeUsage?.()) ?? [] }),
    ...(wanted('build-cache') && (await cacheUsage(sources))),
  }
}

async function imageUsage({ containers, images, layerSize }: DiskUsageSources): Promise<Record<string, unknown>> {
  const users = await containers.list({ all: true, limit: 0, size: false, filters: new Map() })
  const rows = await images.list({ all: false, filters: new Map(), digests: true })
  const layers = layerBytes(images.store, layerSize)
  const shared = sharedSizes(images.store, layerSize)
  return {
    LayersSize: layers.values().reduce((sum, size) => sum + size, 0),
    Images: rows.map((row) => ({
      ...row,
      SharedSize: shared.get(row['Id'] as string) ?? 0,
      Containers: users.filter(({ ImageID }) => ImageID === row['Id']).length,
    })),
  }
}

async function cacheUsage({ buildCache }: DiskUsageSources): Promise<Record<string, unknown>> {
  const records = (await buildCache?.()) ?? []
  return { BuildCache: records }
}

/** It is told of by the lists of containers alone, as Docker does. */
function withoutManifest({ ImageManifestDescriptor: _manifest, ...summary }: ContainerSummary): Omit<ContainerSummary, 'ImageManifestDescriptor'> {
  return summary
}
