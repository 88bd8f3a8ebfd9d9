import type { DatabaseSync } from 'node:sqlite'
import { hostPlatform, suits } from '../distribution/platform.ts'
import type { StoredImage, StoredManifest } from './image-database.ts'

/** What a name stands for that was pulled or loaded with an image of several platforms. */
export interface StoredIndex extends StoredManifest {
  /** Ids of the images of it that are here, one a platform, in the order in which they came. */
  images: readonly string[]
}

/** Names of indexes: in memory for reading; what changes runs in a transaction of the caller's. */
export class NameIndexes {
  readonly #database: DatabaseSync
  readonly #images: ReadonlyMap<string, StoredImage>
  readonly byName = new Map<string, StoredIndex>()

  constructor(database: DatabaseSync, images: ReadonlyMap<string, StoredImage>) {
    this.#database = database
    this.#images = images
  }

  read(): void {
    this.byName.clear()
    const images = new Map<string, string[]>()
    for (const row of this.#database.prepare('SELECT reference, image FROM variant ORDER BY rowid').all()) {
      const reference = row['reference'] as string
      images.set(reference, [...(images.get(reference) ?? []), row['image'] as string])
    }
    for (const row of this.#database.prepare('SELECT reference, digest, media_type FROM name_index').all()) {
      const reference = row['reference'] as string
      this.byName.set(reference, { digest: row['digest'] as string, mediaType: row['media_type'] as string, images: images.get(reference) ?? [] })
    }
  }

  /** Adds images to a name that has this index or none. @returns the image that is meant where no platform is asked for */
  join(name: string, { digest, mediaType, images }: StoredIndex): string {
    const all = [...new Set([...(this.byName.get(name)?.images ?? []), ...images])]
    this.#run('INSERT OR REPLACE INTO name_index VALUES (?, ?, ?)', name, digest, mediaType)
    for (const image of images) this.#run('INSERT OR IGNORE INTO variant VALUES (?, ?)', name, image)
    this.byName.set(name, { digest, mediaType, images: all })
    return this.#preferred(all)
  }

  /** Takes an image from a name. @returns the one that is meant from now on; undefined when there is no other */
  leave(name: string, image: string): string | undefined {
    const index = this.byName.get(name)
    const images = index?.images.filter((each) => each !== image) ?? []
    if (index === undefined || images.length === 0) return undefined
    this.#run('DELETE FROM variant WHERE reference = ? AND image = ?', name, image)
    this.byName.set(name, { ...index, images })
    return this.#preferred(images)
  }

  drop(name: string): void {
    this.#run('DELETE FROM name_index WHERE reference = ?', name)
    this.#run('DELETE FROM variant WHERE reference = ?', name)
    this.byName.delete(name)
  }

  /** This host's own platform goes before others, then what came last. */
  #preferred(images: readonly string[]): string {
    return images.find((id) => suits(this.#images.get(id)!.document, hostPlatform)) ?? images.at(-1)!
  }

  #run(sql: string, ...values: string[]): void {
    this.#database.prepare(sql).run(...values)
  }
}
