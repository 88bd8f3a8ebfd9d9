import type { FileContentStore } from '../content/file-content-store.ts'
import type { Snapshotter } from '../snapshots/contract.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Holds } from './holds.ts'
import type { OtherStores } from './other-stores.ts'
import type { Works } from './works.ts'
import type { ImageDatabase } from './image-database.ts'
import { indexReferences, references, type Pending } from './image-database.ts'

/** What the verbs of the image store share. */
export interface ImageCore {
  readonly content: FileContentStore
  readonly snapshotter: Snapshotter
  readonly database: ImageDatabase
  /** What is in use by something that is under way, a pull for instance. */
  readonly holds: Holds
  /** What lasts, and must not see the store exchanged. */
  readonly works: Works
  /** Of other storage drivers; undefined where there is one alone. */
  readonly others?: OtherStores
  /** Runs one change of layers and blobs at a time. */
  exclusive<Result>(change: () => Promise<Result>): Promise<Result>
}

/** A queue of one: each change begins when the one before has settled. */
export function createExclusive(): ImageCore['exclusive'] {
  let last: Promise<unknown> = Promise.resolve()
  return (change) => {
    const result = last.then(change, change)
    last = result.catch(() => undefined)
    return result
  }
}

/**
 * Removes pending blobs and layers that no image refers to and nobody holds. A layer that a container or another layer stands on stays
 * pending. @returns chain ids of removed layers, in the order of removal
 */
export async function sweep({ content, snapshotter, database, holds, others }: ImageCore): Promise<string[]> {
  let elsewhere: Set<string> | undefined
  const used = new Set<string>()
  for (const image of database.images.values()) for (const { kind, key } of references(image)) used.add(`${kind} ${key}`)
  for (const { kind, key } of indexReferences(database)) used.add(`${kind} ${key}`)
  const settled: Pending[] = []
  const removed: string[] = []
  let layers: Pending[] = []
  for (const pending of database.pending()) {
    if (used.has(`${pending.kind} ${pending.key}`)) settled.push(pending)
    else if (holds.has(pending)) continue
    else if (pending.kind === 'layer') layers.push(pending)
    else {
      elsewhere ??= others?.blobs() ?? new Set()
      if (content.has(pending.key) && !elsewhere.has(pending.key)) await content.remove(pending.key)
      database.removeSources(pending.key)
      settled.push(pending)
    }
  }
  for (let progress = true; progress && layers.length > 0; ) {
    const kept: Pending[] = []
    for (const pending of layers) {
      if (!snapshotter.hasLayer(pending.key)) settled.push(pending)
      else if (await removeLayer(snapshotter, pending.key)) {
        settled.push(pending)
        removed.push(pending.key)
      } else kept.push(pending)
    }
    progress = kept.length < layers.length
    layers = kept
  }
  if (settled.length > 0) database.removePending(settled)
  return removed
}

async function removeLayer(snapshotter: Snapshotter, chainId: string): Promise<boolean> {
  try {
    await snapshotter.removeLayer(chainId)
    return true
  } catch (error) {
    if (error instanceof GantryError && error.kind === 'Conflict') return false
    throw error
  }
}
