import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { blobsOf, indexReferences, references, type StoredImage } from '../../containerd/images/image-database.ts'
import { unmount } from '../../kernel/mount.ts'
import { LayerTar } from '../../containerd/images/layer-tar.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { StorageCheck, StorageProblem } from '../engine.ts'
import type { OpenStorage } from './storage.ts'

/**
 * Looks at everything that is stored: each blob's digest, each image's blobs and layers, each layer's and snapshot's owner, mounts, how
 * many bytes each layer's files are; with `full`, and where those are not what was unpacked, at each file of the layer.
 * With `repair` it takes away what is broken or belongs to nothing; an image that a container stands on stays.
 */
export async function checkStorage(room: OpenStorage, { repair, full }: { repair: boolean; full: boolean }): Promise<StorageCheck> {
  return await room.store.core.exclusive(async () => {
    const problems: StorageProblem[] = []
    const report = async (what: string, mend?: () => unknown): Promise<void> => {
      let repaired = false
      let reason = ''
      try {
        if (repair && mend !== undefined) {
          await mend()
          repaired = true
        }
      } catch (error) {
        reason = `: cannot repair: ${messageOf(error)}`
      }
      problems.push({ problem: what + reason, repaired })
    }
    const damaged = await checkBlobs(room, report)
    const suspects = full ? undefined : new Set(await room.snapshotter.suspects())
    const layers = suspects?.size === 0 ? new Set<string>() : await checkLayers(room, { damaged, suspects }, report)
    await checkImages(room, { blobs: damaged, layers }, report)
    await checkIndexes(room, damaged, report)
    const digests = await room.store.core.content.list()
    await checkOwners(room, digests, report)
    await checkMounts(room, report)
    const { images } = room.store.core.database
    const { snapshotter } = room
    return { blobs: digests.length, images: images.size, layers: snapshotter.layers().length, containers: snapshotter.keys().length, problems }
  })
}

type Report = (what: string, mend?: () => unknown) => Promise<void>

/** @returns digests of blobs whose content is another */
async function checkBlobs({ store }: OpenStorage, report: Report): Promise<Set<string>> {
  const { content } = store.core
  const damaged = new Set<string>()
  for (const digest of await content.list()) {
    if (!/^sha256:[a-f0-9]{64}$/.test(digest)) {
      await report(`${digest} in the content store is no blob`)
      continue
    }
    const hash = createHash('sha256')
    for await (const chunk of content.read(digest)) hash.update(chunk as Buffer)
    if (`sha256:${hash.digest('hex')}` === digest) continue
    damaged.add(digest)
    await report(`blob ${digest} is damaged`, () => content.remove(digest))
  }
  return damaged
}

const mostNamed = 5

/** `suspects`: the only ones to look at. @returns chain ids of layers whose files are not those of their archive */
async function checkLayers({ store, snapshotter, containers }: OpenStorage, { damaged, suspects }: { damaged: ReadonlySet<string>; suspects: ReadonlySet<string> | undefined }, report: Report): Promise<Set<string>> {
  const { content, database } = store.core
  const looked = new Set<string>()
  const found = new Set<string>()
  for (const { layers } of database.images.values()) {
    for (const [at, { chainId, diffId, blob }] of layers.entries()) {
      if (suspects?.has(chainId) === false || looked.has(chainId) || damaged.has(blob) || !content.has(blob) || !snapshotter.hasLayer(chainId)) continue
      looked.add(chainId)
      const tar = new LayerTar({ path: content.path(blob), digest: blob }, { diffId, at })
      const differences = await snapshotter.compare(chainId, tar).catch((error: unknown) => [`cannot look at its files: ${messageOf(error)}`])
      if (differences.length === 0) continue
      found.add(chainId)
      const more = differences.length > mostNamed ? `; and ${differences.length - mostNamed} more` : ''
      // It goes with its images, unless a container stands on one of them.
      await report(`layer ${chainId} is not what its archive says: ${differences.slice(0, mostNamed).join('; ')}${more}`, () => {
        const users = containers().filter(({ imageId }) => database.images.get(imageId)?.layers.some((layer) => layer.chainId === chainId))
        if (users.length > 0) throw new GantryError('Conflict', `it is used by ${users.map(({ name }) => name).join(', ')}`)
      })
    }
  }
  return found
}

/** An image that lacks something is taken out, so that it can be pulled or loaded again. */
async function checkImages(room: OpenStorage, damaged: { blobs: ReadonlySet<string>; layers: ReadonlySet<string> }, report: Report): Promise<void> {
  const { content, database } = room.store.core
  for (const image of database.images.values()) {
    const lost = references(image).filter(({ kind, key }) => (kind === 'blob' ? damaged.blobs.has(key) || !content.has(key) : damaged.layers.has(key) || !room.snapshotter.hasLayer(key)))
    if (lost.length === 0) continue
    const users = room.containers().filter(({ imageId }) => imageId === image.id).map(({ name }) => name)
    const what = `image ${nameOf(room, image)} lacks ${lost.map(({ kind, key }) => `${kind} ${key}`).join(', ')}`
    if (users.length > 0) await report(`${what}, and is used by ${users.join(', ')}`)
    else await report(what, () => database.remove(image))
  }
}

/** A name whose index is lost keeps its image; those of other platforms lose it. */
async function checkIndexes({ store }: OpenStorage, damaged: ReadonlySet<string>, report: Report): Promise<void> {
  const { content, database } = store.core
  const isLost = (digest: string): boolean => damaged.has(digest) || !content.has(digest)
  for (const [name, { digest, attestations }] of database.indexes) {
    if (isLost(digest)) await report(`${name} lacks its index ${digest}`, () => database.removeIndex(name))
    else for (const each of attestations) if (blobsOf(each).some(isLost)) await report(`${name} lacks what attestation ${each.manifest} says`, () => database.removeAttestation(name, each.manifest))
  }
}

async function checkOwners(room: OpenStorage, digests: readonly string[], report: Report): Promise<void> {
  const { snapshotter, others } = room
  const { content, database, holds } = room.store.core
  const pending = database.pending()
  const used = new Set([...[...database.images.values()].flatMap(references), ...indexReferences(database), ...pending].map(({ kind, key }) => `${kind} ${key}`))
  const elsewhere = others.blobs()
  for (const digest of digests) {
    if (used.has(`blob ${digest}`) || elsewhere.has(digest) || holds.has({ kind: 'blob', key: digest }) || !content.has(digest)) continue
    await report(`blob ${digest} belongs to nothing`, () => content.remove(digest))
  }
  const containers = new Set(room.containers().flatMap(({ id, mounts }) => [id, ...mounts.flatMap(({ Image }) => (Image ? [Image.snapshot] : []))]))
  for (const key of snapshotter.keys()) {
    if (!containers.has(key) && !isOfBuild(room, key) && /^[0-9a-f]{64}$/.test(key)) await report(`snapshot ${key} has no container`, () => snapshotter.remove(key))
  }
  for (const { id, name } of room.containers()) {
    if (!snapshotter.keys().includes(id)) await report(`container ${name} has no snapshot`)
  }
  const strangers = snapshotter.layers().filter((chainId) => !used.has(`layer ${chainId}`) && !holds.has({ kind: 'layer', key: chainId }))
  // Written down as pending, they go with the next sweep, children first, unless a container stands on them.
  for (const chainId of strangers) await report(`layer ${chainId} belongs to no image`, () => database.addPending([{ kind: 'layer', key: chainId }]))
}

/** Mounts below the driver's directory of containers that do not run. */
async function checkMounts(room: OpenStorage, report: Report): Promise<void> {
  const { kernel, dataRoot, snapshotter, containers } = room
  const root = `${join(dataRoot, snapshotter.name)}/`
  const running = containers().filter(({ state, lock }) => state.Running || lock.guest !== undefined).map(({ id }) => id)
  const own = new Set([...running, ...snapshotter.keys().filter((key) => isOfBuild(room, key))].flatMap((id) => [snapshotter.mountpoint(id), ...sources(snapshotter.mount(id))]))
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const target = line.split(' ')[4]?.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    if (target === undefined || !target.startsWith(root) || [...own].some((path) => path === target || path.startsWith(`${target}/`))) continue
    await report(`${target} is mounted for no running container`, () => unmount(kernel, target))
  }
}

/** Builds hold the snapshots of their steps as they hold layers. */
function isOfBuild({ store }: OpenStorage, key: string): boolean {
  return store.core.holds.has({ kind: 'layer', key })
}

function sources(mount: ReturnType<OpenStorage['snapshotter']['mount']>): string[] {
  return mount.type === 'bind' ? [mount.source] : []
}

function nameOf(room: OpenStorage, image: StoredImage): string {
  const name = [...room.store.core.database.names].find(([, id]) => id === image.id)?.[0]
  return name ?? image.id.slice(0, 19)
}
