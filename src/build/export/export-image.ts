import type { ImageCore } from '../../containerd/images/image-core.ts'
import { references, type StoredImage } from '../../containerd/images/image-database.ts'
import { digestOf, parseImageDocument } from '../../containerd/images/image-document.ts'
import type { Stack } from '../cache/build-cache.ts'

/** An image that is built but not in the store. */
export interface BuiltImage {
  id: string
  /** Its configuration. */
  bytes: Buffer
  stack: Stack
}

export function builtImage(document: Record<string, unknown>, stack: Stack): BuiltImage {
  const bytes = Buffer.from(JSON.stringify(document))
  return { id: digestOf(bytes), bytes, stack }
}

/** Puts it into the store, whose sweeps leave its layers alone meanwhile because the build holds them. */
export async function storeImage(core: ImageCore, { id, bytes, stack }: BuiltImage, names: readonly string[]): Promise<StoredImage> {
  const again = await storedAgain(core, id, names)
  if (again !== undefined) return again
  const config = core.content.ingest()
  try {
    config.write(bytes)
    return await core.exclusive(async () => {
      const document = parseImageDocument(JSON.parse(bytes.toString()))
      const known = core.database.images.get(id)
      const image = known ?? { id, document, layers: stack.map((layer) => ({ ...layer })), lastTagged: undefined }
      if (known === undefined) core.database.addPending(references(image))
      await config.commit()
      core.database.add(image, bytes, names)
      return core.database.images.get(id)!
    })
  } finally {
    config.abort()
  }
}

/** What all comes from the cache is mostly there already, under the same names. */
async function storedAgain(core: ImageCore, id: string, names: readonly string[]): Promise<StoredImage | undefined> {
  const { database, content } = core
  return await core.exclusive(async () => {
    const known = database.images.get(id)
    if (known === undefined || !content.has(id) || names.some((name) => database.names.get(name) !== id || database.indexes.has(name))) return undefined
    if (names.length > 0) database.tagAgain(id)
    return known
  })
}
