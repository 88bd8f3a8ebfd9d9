import { kindOf } from '../../lib/errors.ts'
import { openProjectQuota } from '../../containerd/snapshots/quota/project-quota.ts'
import { directorySize } from '../../containerd/snapshots/tree/directory-size.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Events, Filters, VolumeInfo, Volumes } from '../engine.ts'
import { listTest, pruneTest } from './filters.ts'
import { MountedVolumes } from './mounted-volumes.ts'
import { VolumeStore, type VolumeRecord } from './store.ts'

/** Layers have those below (project-quota.ts). */
const firstProject = 1 << 21

/** Volumes for the API, and what containers need of them. */
export interface VolumesRoom {
  readonly api: Volumes
  readonly store: VolumeStore
  readonly mounted: MountedVolumes
  readonly events: VolumeEvents
  /** Removes one with everything that goes with it. @throws NotFound, Conflict */
  remove(name: string): Promise<void>
  /** For system df: those that are directories, with their sizes. */
  usage(): Promise<VolumeInfo[]>
}

/** Docker's attributes: driver of all, container of those that are about one. */
export type VolumeEvents = (action: 'create' | 'mount' | 'unmount' | 'destroy' | 'prune', name: string, attributes: Record<string, string>) => void

export function openVolumes({ dataRoot, kernel, events, log }: { dataRoot: string; kernel: Kernel; events: Pick<Events, 'emit'>; log: (line: string) => void }): VolumesRoom {
  const store = new VolumeStore({ dataRoot, log, quota: (root) => openProjectQuota(kernel, root, firstProject) })
  const mounted = new MountedVolumes(kernel, store)
  const emit: VolumeEvents = (action, name, attributes) => events.emit('volume', action, { ID: name, Attributes: attributes })
  const info = (record: VolumeRecord): VolumeInfo => volumeInfo(record, store.data(record.name))
  const remove = async (name: string): Promise<void> => {
    const { driver } = store.get(name)
    await mounted.exclusively(name, () => store.remove(name))
    emit('destroy', name, { driver })
  }
  return {
    store,
    mounted,
    events: emit,
    remove,
    usage: async () => {
      const plain = store.list().filter(({ options }) => options?.['device'] === undefined)
      return Promise.all(plain.map(async (record) => ({ ...info(record), UsageData: { Size: await directorySize(store.data(record.name)), RefCount: store.users(record.name).length } })))
    },
    api: {
      create: async (request) => {
        const { record, isNew } = store.create(request)
        if (isNew) emit('create', record.name, { driver: record.driver })
        return info(record)
      },
      list: async (filters) => {
        const test = listTest(filters)
        return { Volumes: store.list().filter((record) => test(record, store.users(record.name))).map(info), Warnings: null }
      },
      inspect: async (name) => info(store.get(name)),
      remove: async (name, { force }) => {
        if (force && store.find(name) === undefined) return
        await remove(name)
      },
      prune: (filters) => prune({ store, remove, emit, filters }),
    },
  }
}

async function prune({ store, remove, emit, filters }: Pick<VolumesRoom, 'store' | 'remove'> & { emit: VolumeEvents; filters: Filters }): ReturnType<Volumes['prune']> {
  const test = pruneTest(filters)
  const deleted: string[] = []
  let reclaimed = 0
  for (const record of store.list()) {
    if (!test(record, store.users(record.name))) continue
    try {
      const size = record.options?.['device'] === undefined ? await directorySize(store.data(record.name)) : 0
      await remove(record.name)
      reclaimed += size
      deleted.push(record.name)
    } catch (error) {
      // A container may have taken it meanwhile, or somebody else removed it.
      if (!['Conflict', 'NotFound'].includes(kindOf(error))) throw error
    }
  }
  emit('prune', '', { reclaimed: String(reclaimed) })
  return { VolumesDeleted: deleted, SpaceReclaimed: reclaimed }
}

function volumeInfo({ createdAt, driver, labels, name, options }: VolumeRecord, mountpoint: string): VolumeInfo {
  return { CreatedAt: createdAt, Driver: driver, Labels: labels, Mountpoint: mountpoint, Name: name, Options: options, Scope: 'local' }
}
