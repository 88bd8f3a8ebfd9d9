import type { DatabaseSync } from 'node:sqlite'
import { hostPlatform, suits } from '../distribution/platform.ts'
import type { StoredImage, StoredManifest } from './image-database.ts'

/** What a name stands for that was pulled or loaded with an image of several platforms. */
export interface StoredIndex extends StoredManifest {
  /** Ids of the images of it that are here, one a platform, in the order in which they came. */
  images: readonly string[]
  attestations: readonly Attestation[]
}

/** What builders say of an image in a manifest of its own: provenance, an SBOM. Held by the names of the index, as long as the image is. */
export interface Attestation {
  /** Id of the image that it is about. */
  image: string
  /** Digest of its manifest. */
  manifest: string
  /** Digests of what that lists. */
  blobs: readonly string[]
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
    const attestations = new Map<string, Attestation[]>()
    for (const row of this.#database.prepare('SELECT reference, image, manifest, blobs FROM attestation ORDER BY rowid').all()) {
      const reference = row['reference'] as string
      const { image, manifest, blobs } = row as Record<string, string>
      attestations.set(reference, [...(attestations.get(reference) ?? []), { image: image!, manifest: manifest!, blobs: JSON.parse(blobs!) as string[] }])
    }
    for (const row of this.#database.prepare('SELECT reference, digest, media_type FROM name_index').all()) {
      const reference = row['reference'] as string
      this.byName.set(reference, { digest: row['digest'] as string, mediaType: row['media_type'] as string, images: images.get(reference) ?? [], attestations: attestations.get(reference) ?? [] })
    }
  }

  /** Adds images to a name that has this index or none. @returns the image that is meant where no platform is asked for */
  join(name: string, { digest, mediaType, images, attestations }: StoredIndex): string {
    const before = this.byName.get(name)
    const all = [...new Set([...(before?.images ?? []), ...images])]
    const attested = [...new Map([...(before?.attestations ?? []), ...attestations].map((each) => [each.manifest, each])).values()]
    this.#run('INSERT OR REPLACE INTO name_index VALUES (?, ?, ?)', name, digest, mediaType)
    for (const image of images) this.#run('INSERT OR IGNORE INTO variant VALUES (?, ?)', name, image)
    for (const { image, manifest, blobs } of attestations) this.#run('INSERT OR REPLACE INTO attestation VALUES (?, ?, ?, ?)', name, image, manifest, JSON.stringify(blobs))
    this.byName.set(name, { digest, mediaType, images: all, attestations: attested })
    return this.#preferred(all)
  }

  /** Takes an image from a name. @returns the one that is meant from now on; undefined when there is no other */
  leave(name: string, image: string): string | undefined {
    const index = this.byName.get(name)
    const images = index?.images.filter((each) => each !== image) ?? []
    if (index === undefined || images.length === 0) return undefined
    this.#run('DELETE FROM variant WHERE reference = ? AND image = ?', name, image)
    this.#run('DELETE FROM attestation WHERE reference = ? AND image = ?', name, image)
    this.byName.set(name, { ...index, images, attestations: index.attestations.filter((each) => each.image !== image) })
    return this.#preferred(images)
  }

  /** Takes one attestation from a name. */
  forget(name: string, manifest: string): void {
    const index = this.byName.get(name)
    if (index === undefined) return
    this.#run('DELETE FROM attestation WHERE reference = ? AND manifest = ?', name, manifest)
    this.byName.set(name, { ...index, attestations: index.attestations.filter((each) => each.manifest !== manifest) })
  }

  drop(name: string): void {
    this.#run('DELETE FROM name_index WHERE reference = ?', name)
    this.#run('DELETE FROM variant WHERE reference = ?', name)
    this.#run('DELETE FROM attestation WHERE reference = ?', name)
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
