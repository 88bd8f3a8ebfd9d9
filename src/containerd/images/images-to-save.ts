import { GantryError } from '../../lib/errors.ts'
import { familiarString, fullName, fullString, parseReference, type Reference } from '../../lib/reference.ts'
import type { ImageCore } from './image-core.ts'
import type { StoredImage } from './image-database.ts'
import type { SavedImage } from './save-images.ts'

export interface ImagesToSave {
  find: (text: string) => StoredImage
  /** The image of the platform that is asked for, of those that a name stands for. */
  choose?: (image: StoredImage, text: string) => StoredImage
}

/** Which images a list of names, ids and repositories means; a repository without a tag means all its tags. */
export function imagesToSave(core: ImageCore, texts: readonly string[], { find, choose }: ImagesToSave): SavedImage[] {
  const { images, indexes, names } = core.database
  const saved = new Map<string, SavedImage>()
  const add = (found: StoredImage, text: string, name?: Reference): void => {
    const image = choose?.(found, text) ?? found
    const index = choose || !name ? undefined : indexes.get(fullString(name))
    const several = index !== undefined && index.images.length + index.attestations.length > 1 ? index : undefined
    const key = `${image.id} ${several?.digest ?? ''}`
    const entry = saved.get(key) ?? { image, names: [], ...(several && { index: several }) }
    if (name && !entry.names.some((other) => fullString(other) === fullString(name))) entry.names.push(name)
    saved.set(key, entry)
  }
  for (const text of texts) {
    const image = find(text)
    const name = nameOf(text)
    if (name?.tag !== undefined && names.has(fullString(name))) add(image, text, name)
    else if (name === undefined || name.digest !== undefined) add(image, text)
    else {
      const tags = [...names].map(([full, id]) => ({ id, name: parseReference(full) })).filter((each) => fullName(each.name) === fullName(name))
      if (tags.length === 0) add(image, text)
      // A digest is no name to load an image by.
      for (const tag of tags) if (tag.name.tag !== undefined || tags.every((each) => each.name.tag === undefined)) add(images.get(tag.id)!, familiarString(tag.name), tag.name.tag === undefined ? undefined : tag.name)
    }
  }
  return [...saved.values()]
}

function nameOf(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof GantryError) return undefined
    throw error
  }
}
