import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ImageDatabase, indexReferences, references, type StoredImage } from './image-database.ts'

/** What the image databases of other storage drivers hold. */
export interface OtherStores {
  /** Digests that an image there refers to: the blobs are common to all drivers. */
  blobs(): Set<string>
  images(): OtherImage[]
}

export interface OtherImage {
  driver: string
  image: StoredImage
  /** Full references. */
  names: string[]
}

/** `root` holds a directory for each driver that was ever used. */
export function otherStores(root: string, current: () => string): OtherStores {
  const read = <Result>(look: (driver: string, database: ImageDatabase) => Result[]): Result[] =>
    readdirSync(root, { withFileTypes: true }).flatMap(({ name }) => {
      if (name === current() || !existsSync(join(root, name, 'images.db'))) return []
      const database = new ImageDatabase(join(root, name))
      try {
        return look(name, database)
      } finally {
        database.close()
      }
    })
  return {
    blobs: () => new Set(read((_, database) => [...[...database.images.values()].flatMap(references), ...indexReferences(database)].filter(({ kind }) => kind === 'blob').map(({ key }) => key))),
    images: () =>
      read((driver, { images, names }) =>
        [...images.values()].map((image) => ({ driver, image, names: [...names].filter(([, id]) => id === image.id).map(([name]) => name) })),
      ),
  }
}
