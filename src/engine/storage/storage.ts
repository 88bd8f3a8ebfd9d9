import { existsSync, readdirSync, rmSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DurableImageStore } from '../../containerd/images/image-store.ts'
import { ImageDatabase, references, type StoredImage } from '../../containerd/images/image-database.ts'
import type { OtherStores } from '../../containerd/images/other-stores.ts'
import type { Snapshotter } from '../../containerd/snapshots/contract.ts'
import { containerQuota } from '../../containerd/snapshots/storage-options.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import { familiarString, parseReference } from '../../lib/reference.ts'
import type { Storage } from '../engine.ts'
import type { Container } from '../containers/container.ts'
import { checkStorage } from './check.ts'
import { copyContainer, removeCopy } from './copy-container.ts'
import { copyImages, dropStrangers } from './copy-images.ts'
import { readStorageRecord, writeStorageRecord } from './storage-record.ts'
import type { SwitchableSnapshotter } from './switchable-snapshotter.ts'

export interface OpenStorage {
  dataRoot: string
  kernel: Kernel
  store: DurableImageStore
  snapshotter: SwitchableSnapshotter
  others: OtherStores
  /** All containers of the current driver. */
  containers: () => readonly Container[]
  saveContainer: (container: Container) => void
  /** @throws with the reason when this host cannot run it */
  openDriver: (name: string) => Promise<Snapshotter>
}

/** Switching between storage drivers, and looking after what is stored. */
export function openStorage(room: OpenStorage): Storage {
  let isBusy = false
  const alone = async <Result>(act: () => Promise<Result>): Promise<Result> => {
    if (isBusy) throw new GantryError('Conflict', 'the storage is being switched or checked already')
    isBusy = true
    try {
      return await act()
    } finally {
      isBusy = false
    }
  }
  return {
    switchDriver: async (driver, progress) => alone(() => switchDriver(room, driver, progress)),
    forget: async () => alone(() => forget(room)),
    otherImages: () => room.others.images().map(({ driver, image, names }) => ({ driver, ...described(image, names) })),
    check: async (options) => alone(async () => {
      const found = await checkStorage(room, options)
      // What was taken out leaves layers, which another pull must not find.
      if (options.repair) await room.store.sweep()
      return found
    }),
  }
}

async function switchDriver(room: OpenStorage, driver: string, progress: (line: string) => void): Promise<void> {
  const { snapshotter, store, dataRoot } = room
  const old = snapshotter.current
  if (driver === old.name) throw new GantryError('Conflict', `cannot switch storage: the driver is ${driver} already`)
  refuseRunning(room.containers())
  refuseImageless(room)
  const record = join(dataRoot, 'storage.json')
  const before = readStorageRecord(record)
  const target = await room.openDriver(driver)
  const database = new ImageDatabase(join(dataRoot, 'image', driver))
  const isOurs = before?.previous?.includes(driver) === true
  const merges = before?.switchingTo === driver ? before.merges === true : !isOurs && (database.images.size > 0 || target.keys().length > 0)
  writeStorageRecord(record, { driver: old.name, switchingTo: driver, merges, previous: before?.previous ?? [] })
  try {
    await copyImages({ from: store.core, to: { database, snapshotter: target }, progress })
    const { works } = store.core
    if (works.running > 0) progress('Waiting for pulls and builds to end')
    // Locks before the store's turn, as a commit has them.
    await works.alone(() => holding(room.containers(), () => store.core.exclusive(() => cutOver(room, { target, database, merges, progress }))))
  } catch (error) {
    if (snapshotter.current !== target) {
      database.close()
      await target.close()
    }
    throw error
  }
  await old.close()
  progress(`Switched from ${old.name} to ${driver}. What was in ${old.name} is kept until "gantry storage switch --forget".`)
}

/** Whoever else wants one of the containers waits, and views of their files leave. */
async function holding(containers: readonly Container[], act: () => Promise<void>): Promise<void> {
  const { promise: done, resolve: release } = Promise.withResolvers<void>()
  const begun = containers.map(async ({ lock }) => {
    const { promise, resolve: begin } = Promise.withResolvers<void>()
    void lock.run(async () => {
      begin()
      await done
    })
    await promise
  })
  try {
    await Promise.all(begun)
    await act()
  } finally {
    release()
  }
}

interface CutOver {
  target: Snapshotter
  database: ImageDatabase
  merges: boolean
  progress: (line: string) => void
}

/** Nobody changes anything meanwhile. The replacement of the record is the switch: what follows is done again by the next start. */
async function cutOver(room: OpenStorage, { target, database, merges, progress }: CutOver): Promise<void> {
  const { snapshotter, store, kernel, dataRoot } = room
  const old = snapshotter.current
  const resume = snapshotter.pause()
  try {
    const containers = room.containers()
    refuseRunning(containers)
    await copyImages({ from: store.core, to: { database, snapshotter: target }, progress })
    const wanted = new Set(containers.map(({ id }) => id))
    for (const key of merges ? [] : target.keys()) if (!wanted.has(key)) await removeCopy(kernel, target, key)
    for (const container of containers) {
      const parent = topLayer(room, container)
      await copyContainer({ kernel, key: container.id, parent, quota: containerQuota(container.hostConfig.StorageOpt), from: old, to: target })
      for (const { Image } of container.mounts) {
        if (Image && old.keys().includes(Image.snapshot) && !target.keys().includes(Image.snapshot)) {
          await target.prepare(Image.snapshot, store.core.database.images.get(Image.id)?.layers.at(-1)?.chainId)
        }
      }
      progress(`container ${container.name}: Copied`)
    }
    if (!merges) dropStrangers(store.core.database, database)
    writeStorageRecord(join(dataRoot, 'storage.json'), { driver: target.name, previous: [...previousOf(room).filter((name) => name !== old.name && name !== target.name), old.name] })
  } catch (error) {
    resume()
    throw error
  }
  store.use(database)
  for (const container of room.containers()) container.driver = target.name
  resume(target)
  for (const container of room.containers()) room.saveContainer(container)
}

function previousOf({ dataRoot }: OpenStorage): string[] {
  return readStorageRecord(join(dataRoot, 'storage.json'))?.previous ?? []
}

/** Removes the stores that switches have left behind, finished and interrupted ones. */
async function forget(room: OpenStorage): Promise<{ drivers: string[] }> {
  const path = join(room.dataRoot, 'storage.json')
  const { driver = '', previous = [], switchingTo, merges } = readStorageRecord(path) ?? {}
  const old = switchingTo !== undefined && merges !== true && !previous.includes(switchingTo) ? [...previous, switchingTo] : previous
  if (old.length === 0) throw new GantryError('NotFound', 'there is no old store to forget')
  if (driver !== room.snapshotter.name) throw new GantryError('Conflict', `cannot forget ${old.join(', ')}: the driver in use is ${room.snapshotter.name}, and ${driver} was switched to`)
  for (const name of old) await removeStore(room, name)
  writeStorageRecord(path, { driver })
  await room.store.sweep()
  return { drivers: old }
}

async function removeStore(room: OpenStorage, name: string): Promise<void> {
  const old = await room.openDriver(name)
  try {
    for (const key of old.keys()) await old.remove(key)
    await removeLayers(old)
  } finally {
    await old.close()
  }
  await dropBlobs(room, name)
  removeDirectory(join(room.dataRoot, name))
}

/** A directory that a file system is mounted on, as for btrfs, is emptied. */
function removeDirectory(directory: string): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) rmSync(join(directory, name), { recursive: true, force: true })
  try {
    rmdirSync(directory)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'EBUSY' && code !== 'ENOENT') throw error
  }
}

/** What only the old store's images referred to becomes pending in the database in use, which sweeps it. */
async function dropBlobs({ dataRoot, others, store }: OpenStorage, driver: string): Promise<void> {
  const old = others.images().filter((other) => other.driver === driver)
  const blobs = old.flatMap(({ image }) => references(image)).filter(({ kind }) => kind === 'blob')
  await store.core.exclusive(async () => store.core.database.addPending(blobs))
  rmSync(join(dataRoot, 'image', driver), { recursive: true, force: true })
}

/** Children first: a layer that has one refuses. */
async function removeLayers(store: Snapshotter): Promise<void> {
  for (let left = store.layers(); left.length > 0; ) {
    for (const chainId of left) {
      try {
        await store.removeLayer(chainId)
      } catch (error) {
        if (!(error instanceof GantryError) || error.kind !== 'Conflict') throw error
      }
    }
    const rest = store.layers()
    if (rest.length === left.length) throw new GantryError('System', `cannot remove the layers of ${store.name}: each has a child`)
    left = rest
  }
}

function refuseRunning(containers: readonly Container[]): void {
  const running = containers.filter(({ state }) => state.Running).map(({ name }) => name)
  if (running.length > 0) throw new GantryError('Conflict', `cannot switch storage: containers are running, stop them first: ${running.join(', ')}`)
}

/** A container whose image was removed by force has layers that nobody could make again. */
function refuseImageless(room: OpenStorage): void {
  const lost = room.containers().filter(({ imageId }) => !room.store.core.database.images.has(imageId)).map(({ name }) => name)
  if (lost.length > 0) throw new GantryError('Conflict', `cannot switch storage: the images of these containers were removed, commit or remove them first: ${lost.join(', ')}`)
}

function topLayer(room: OpenStorage, { imageId, name }: Container): string | undefined {
  const image = room.store.core.database.images.get(imageId)
  if (image === undefined) throw new GantryError('Conflict', `cannot switch storage: the image of container ${name} was removed`)
  return image.layers.at(-1)?.chainId
}

function described({ id, document, layers }: StoredImage, names: readonly string[]): { id: string; created: string; size: number; repoTags: string[]; repoDigests: string[] } {
  const familiar = (wanted: boolean): string[] => names.map(parseReference).filter(({ digest }) => (digest !== undefined) === wanted).map(familiarString).toSorted()
  return { id, created: document.created ?? '0001-01-01T00:00:00Z', size: layers.reduce((sum, { size }) => sum + size, 0), repoTags: familiar(false), repoDigests: familiar(true) }
}
