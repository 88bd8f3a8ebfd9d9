import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseImageDocument, type ImageDocument } from './image-document.ts'
import { NameIndexes, type Attestation, type StoredIndex } from './name-indexes.ts'

export interface StoredLayer {
  diffId: string
  chainId: string
  /** Digest of the layer's tar as it came, maybe compressed. */
  blob: string
  /** Bytes of the uncompressed tar. */
  tarSize: number
  /** Bytes of its files. */
  size: number
}

export interface StoredImage {
  id: string
  document: ImageDocument
  /** From the bottom up. */
  layers: StoredLayer[]
  lastTagged: string | undefined
  /** As it was pulled; its layers are the blobs of ours, so that a push gives it back byte for byte. */
  manifest?: StoredManifest
  /** Id of the image that it was made from by a commit or a build; that one may be gone. */
  parent?: string
}

/** A manifest that is kept as a blob. */
export interface StoredManifest {
  digest: string
  mediaType: string
}

/** The index that an image was chosen from, and what came of it besides the image. */
export interface GivenIndex extends StoredManifest {
  attestations?: readonly Attestation[]
}

/** A blob or layer that must go unless an image refers to it. Rows outlive a kill. */
export interface Pending {
  kind: 'blob' | 'layer'
  key: string
}

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS image (id TEXT PRIMARY KEY, config TEXT NOT NULL, last_tagged TEXT) STRICT;
  CREATE TABLE IF NOT EXISTS layer (
    image TEXT NOT NULL REFERENCES image ON DELETE CASCADE, position INTEGER NOT NULL, diff_id TEXT NOT NULL,
    chain_id TEXT NOT NULL, blob TEXT NOT NULL, tar_size INTEGER NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (image, position)) STRICT;
  CREATE TABLE IF NOT EXISTS name (reference TEXT PRIMARY KEY, image TEXT NOT NULL REFERENCES image) STRICT;
  CREATE TABLE IF NOT EXISTS manifest (image TEXT PRIMARY KEY REFERENCES image ON DELETE CASCADE, digest TEXT NOT NULL, media_type TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS parent (image TEXT PRIMARY KEY REFERENCES image ON DELETE CASCADE, parent TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS source (blob TEXT NOT NULL, repository TEXT NOT NULL, PRIMARY KEY (blob, repository)) STRICT;
  CREATE TABLE IF NOT EXISTS pending (kind TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (kind, key)) STRICT;
  CREATE TABLE IF NOT EXISTS name_index (reference TEXT PRIMARY KEY, digest TEXT NOT NULL, media_type TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS variant (reference TEXT NOT NULL, image TEXT NOT NULL REFERENCES image ON DELETE CASCADE, PRIMARY KEY (reference, image)) STRICT;
  CREATE TABLE IF NOT EXISTS attestation (
    reference TEXT NOT NULL, image TEXT NOT NULL REFERENCES image ON DELETE CASCADE, manifest TEXT NOT NULL, blobs TEXT NOT NULL,
    PRIMARY KEY (reference, manifest)) STRICT;
`

/** What images there are and how they are called: in memory for reading, each change one durable transaction. */
export class ImageDatabase {
  readonly #database: DatabaseSync
  readonly images = new Map<string, StoredImage>()
  /** Full reference to image id: of a name for several platforms, the image that is meant where none is asked for. */
  readonly names = new Map<string, string>()
  readonly #indexes: NameIndexes

  constructor(root: string) {
    mkdirSync(root, { recursive: true, mode: 0o700 })
    this.#database = new DatabaseSync(join(root, 'images.db'))
    this.#database.exec(schema)
    this.#indexes = new NameIndexes(this.#database, this.images)
    this.#read()
  }

  /** Full reference to the index that it names, of those names that were given with one. */
  get indexes(): ReadonlyMap<string, StoredIndex> {
    return this.#indexes.byName
  }

  close(): void {
    this.#database.close()
  }

  /**
   * Adds an image with names, which may have belonged to others, and takes what it refers to off the pending list. A name that is
   * given with an index it has already stands for the images of both platforms then.
   */
  add(image: StoredImage, config: Buffer, names: readonly string[], index?: GivenIndex): void {
    const tagged = names.length > 0 ? new Date().toISOString() : undefined
    this.#transaction(() => {
      this.#run('INSERT OR IGNORE INTO image VALUES (?, ?, ?)', image.id, config.toString('utf8'), tagged ?? null)
      for (const [position, { diffId, chainId, blob, tarSize, size }] of image.layers.entries()) {
        this.#run('INSERT OR IGNORE INTO layer VALUES (?, ?, ?, ?, ?, ?, ?)', image.id, position, diffId, chainId, blob, tarSize, size)
      }
      if (image.parent) this.#run('INSERT OR REPLACE INTO parent VALUES (?, ?)', image.id, image.parent)
      if (image.manifest) this.#run('INSERT OR REPLACE INTO manifest VALUES (?, ?, ?)', image.id, image.manifest.digest, image.manifest.mediaType)
      for (const { kind, key } of references(image)) this.#run('DELETE FROM pending WHERE kind = ? AND key = ?', kind, key)
      this.images.set(image.id, { ...image, lastTagged: tagged ?? image.lastTagged })
      for (const name of names) this.#putName(name, { id: image.id, tagged: tagged!, index: index && { attestations: [], ...index, images: [image.id] } })
    })
  }

  /** The image has these names already, and nothing else has: only the time is new, which is not worth a wait for the disk. */
  tagAgain(id: string): void {
    const tagged = new Date().toISOString()
    this.#database.exec('PRAGMA synchronous = NORMAL')
    try {
      this.#run('UPDATE image SET last_tagged = ? WHERE id = ?', tagged, id)
    } finally {
      this.#database.exec('PRAGMA synchronous = FULL')
    }
    this.images.get(id)!.lastTagged = tagged
  }

  /** `index`: the one of another name for the same. */
  setName(name: string, id: string, index?: StoredIndex): void {
    const tagged = new Date().toISOString()
    this.#transaction(() => this.#putName(name, { id, tagged, index }))
    this.images.get(id)!.lastTagged = tagged
  }

  /** Takes the image of one platform from a name, which keeps the others. @returns false when it has no other, and stays as it is */
  removeVariant(name: string, id: string): boolean {
    return this.#transaction(() => this.#leave(name, id))
  }

  /** Gives an image the name "repository@digest"; it counts as no tagging. */
  addDigestName(name: string, id: string): void {
    this.#run('INSERT OR REPLACE INTO name VALUES (?, ?)', name, id)
    this.names.set(name, id)
  }

  /** Puts another form of the same layer, compressed say, in a blob's place; the old blob becomes pending. */
  replaceBlob(old: string, blob: string): void {
    this.#transaction(() => {
      this.#run('UPDATE layer SET blob = ? WHERE blob = ?', blob, old)
      this.#run("DELETE FROM pending WHERE kind = 'blob' AND key = ?", blob)
      this.#putPending({ kind: 'blob', key: old })
    })
    for (const image of this.images.values()) for (const layer of image.layers) if (layer.blob === old) layer.blob = blob
  }

  /** Remembers that a repository ("docker.io/library/busybox") has these blobs. */
  addSources(repository: string, blobs: readonly string[]): void {
    this.#transaction(() => blobs.forEach((blob) => this.#run('INSERT OR IGNORE INTO source VALUES (?, ?)', blob, repository)))
  }

  /** Repositories that were seen to have a blob. */
  sources(blob: string): string[] {
    return this.#database.prepare('SELECT repository FROM source WHERE blob = ? ORDER BY repository').all(blob).map((row) => row['repository'] as string)
  }

  removeSources(blob: string): void {
    this.#run('DELETE FROM source WHERE blob = ?', blob)
  }

  removeName(name: string): void {
    this.#transaction(() => this.#dropName(name))
  }

  /** Forgets which index a name stands for, and with it the images of other platforms. */
  removeIndex(name: string): void {
    this.#transaction(() => this.#dropIndex(name))
  }

  /** Forgets an attestation of a name; the manifest and its blobs become pending. */
  removeAttestation(name: string, manifest: string): void {
    this.#transaction(() => {
      for (const attestation of this.indexes.get(name)?.attestations ?? []) if (attestation.manifest === manifest) this.#putBlobsPending(attestation)
      this.#indexes.forget(name, manifest)
    })
  }

  /** Forgets an image and its names; everything that it referred to becomes pending. */
  remove(image: StoredImage): void {
    this.#transaction(() => {
      for (const pending of references(image)) this.#putPending(pending)
      const names = new Set([...this.names].filter(([, id]) => id === image.id).map(([name]) => name))
      for (const [name, { images }] of this.indexes) if (images.includes(image.id)) names.add(name)
      for (const name of names) if (!this.#leave(name, image.id)) this.#dropName(name)
      this.#run('DELETE FROM image WHERE id = ?', image.id)
      this.images.delete(image.id)
    })
  }

  addPending(pending: readonly Pending[]): void {
    this.#transaction(() => pending.forEach((item) => this.#putPending(item)))
  }

  pending(): Pending[] {
    return this.#database.prepare('SELECT kind, key FROM pending').all() as unknown as Pending[]
  }

  removePending(pending: readonly Pending[]): void {
    this.#transaction(() => pending.forEach(({ kind, key }) => this.#run('DELETE FROM pending WHERE kind = ? AND key = ?', kind, key)))
  }

  #read(): void {
    this.images.clear()
    this.names.clear()
    for (const row of this.#database.prepare('SELECT id, config, last_tagged FROM image').all()) {
      const id = row['id'] as string
      const document = parseImageDocument(JSON.parse(row['config'] as string))
      this.images.set(id, { id, document, layers: [], lastTagged: (row['last_tagged'] as string | null) ?? undefined })
    }
    const columns = 'image, diff_id AS diffId, chain_id AS chainId, blob, tar_size AS tarSize, size'
    for (const row of this.#database.prepare(`SELECT ${columns} FROM layer ORDER BY image, position`).all()) {
      const { image, ...layer } = row as unknown as StoredLayer & { image: string }
      this.images.get(image)!.layers.push(layer)
    }
    for (const row of this.#database.prepare('SELECT image, digest, media_type FROM manifest').all()) {
      this.images.get(row['image'] as string)!.manifest = { digest: row['digest'] as string, mediaType: row['media_type'] as string }
    }
    for (const row of this.#database.prepare('SELECT image, parent FROM parent').all()) {
      this.images.get(row['image'] as string)!.parent = row['parent'] as string
    }
    for (const row of this.#database.prepare('SELECT reference, image FROM name').all()) {
      this.names.set(row['reference'] as string, row['image'] as string)
    }
    this.#indexes.read()
  }

  #putName(name: string, { id, tagged, index }: { id: string; tagged: string; index: StoredIndex | undefined }): void {
    const before = this.indexes.get(name)
    if (index === undefined || before?.digest !== index.digest) this.#dropIndex(name)
    const chosen = index === undefined ? id : this.#indexes.join(name, index)
    for (const blob of index ? [index.digest, ...index.attestations.flatMap(blobsOf)] : []) this.#run("DELETE FROM pending WHERE kind = 'blob' AND key = ?", blob)
    this.#run('INSERT OR REPLACE INTO name VALUES (?, ?)', name, chosen)
    this.#run('UPDATE image SET last_tagged = ? WHERE id = ?', tagged, id)
    this.names.set(name, chosen)
  }

  #dropName(name: string): void {
    this.#dropIndex(name)
    this.#run('DELETE FROM name WHERE reference = ?', name)
    this.names.delete(name)
  }

  #dropIndex(name: string): void {
    const { digest, attestations = [] } = this.indexes.get(name) ?? {}
    attestations.forEach((each) => this.#putBlobsPending(each))
    this.#indexes.drop(name)
    if (digest !== undefined && ![...this.indexes.values()].some((other) => other.digest === digest)) this.#putPending({ kind: 'blob', key: digest })
  }

  #leave(name: string, id: string): boolean {
    const attestations = this.indexes.get(name)?.attestations ?? []
    const chosen = this.#indexes.leave(name, id)
    if (chosen === undefined) return false
    for (const attestation of attestations) if (attestation.image === id) this.#putBlobsPending(attestation)
    this.#run('INSERT OR REPLACE INTO name VALUES (?, ?)', name, chosen)
    this.names.set(name, chosen)
    return true
  }

  /** Other names may hold them too: the sweep looks. */
  #putBlobsPending(attestation: Attestation): void {
    for (const key of blobsOf(attestation)) this.#putPending({ kind: 'blob', key })
  }

  #putPending({ kind, key }: Pending): void {
    this.#run('INSERT OR IGNORE INTO pending VALUES (?, ?)', kind, key)
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#database.prepare(sql).run(...values)
  }

  #transaction<Result>(change: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = change()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      this.#database.exec('ROLLBACK')
      // What is in memory may be ahead of what is stored.
      this.#read()
      throw error
    }
  }
}

/** Everything that keeps an image's content alive. Layers from the top down: a child goes before its parent. */
export function references(image: Pick<StoredImage, 'id' | 'layers' | 'manifest'>): Pending[] {
  const layers = image.layers.toReversed()
  return [
    ...layers.map(({ chainId }): Pending => ({ kind: 'layer', key: chainId })),
    ...layers.map(({ blob }): Pending => ({ kind: 'blob', key: blob })),
    ...(image.manifest ? [{ kind: 'blob', key: image.manifest.digest } satisfies Pending] : []),
    { kind: 'blob', key: image.id },
  ]
}

/** Everything that names refer to besides their images. */
export function indexReferences({ indexes }: Pick<ImageDatabase, 'indexes'>): Pending[] {
  return [...indexes.values()].flatMap(({ digest, attestations }) => [digest, ...attestations.flatMap(blobsOf)]).map((key): Pending => ({ kind: 'blob', key }))
}

/** Its manifest, and what that lists. */
export function blobsOf({ manifest, blobs }: Attestation): string[] {
  return [manifest, ...blobs]
}

/** The image that another was made from, as long as it is there. */
export function parentOf(images: ReadonlyMap<string, StoredImage>, image: StoredImage): string | undefined {
  const parent = image.parent ?? image.document.parent
  return parent !== undefined && images.has(parent) ? parent : undefined
}
