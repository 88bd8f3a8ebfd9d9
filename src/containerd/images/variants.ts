import { GantryError } from '../../lib/errors.ts'
import { fullString, parseAnyReference, withDefaultTag } from '../../lib/reference.ts'
import type { Platform } from '../distribution/contract.ts'
import { platformText, requirePlatform, suits } from '../distribution/platform.ts'
import type { ImageDatabase, StoredImage } from './image-database.ts'
import type { StoredIndex } from './name-indexes.ts'

/** What somebody asked for, and the image that it means where no platform is asked for. */
interface Asked {
  image: StoredImage
  text: string
}

/** The index that a name stands for; undefined for ids and for names of one image. */
export function indexOfText({ indexes }: Pick<ImageDatabase, 'indexes'>, text: string): StoredIndex | undefined {
  const parsed = parseAnyReference(text)
  if ('id' in parsed) return undefined
  return indexes.get(fullString(parsed.digest === undefined ? withDefaultTag(parsed) : { ...parsed, tag: undefined }))
}

export function findVariant(database: ImageDatabase, { image, text }: Asked, wanted: Platform): StoredImage | undefined {
  const ids = indexOfText(database, text)?.images ?? [image.id]
  const fitting = ids.map((id) => database.images.get(id)!).filter(({ document }) => suits(document, wanted))
  return fitting.find(({ document }) => (document.variant ?? '') === (wanted.variant ?? '')) ?? fitting[0]
}

/** @throws NotFound with Docker's texts: of its store of many platforms where there are several, else of the other one */
export function requireVariant(database: ImageDatabase, asked: Asked, wanted: Platform): StoredImage {
  const found = findVariant(database, asked, wanted)
  if (found !== undefined) return found
  const count = indexOfText(database, asked.text)?.images.length ?? 1
  if (count === 1) requirePlatform(asked.image.document, wanted, asked.text)
  throw new GantryError('NotFound', `image with reference ${asked.text} was found but does not provide the specified platform (${platformText(wanted)})`)
}

/** An image as part of what its names stand for. */
export function variantsOf({ names, indexes }: ImageDatabase, { id }: StoredImage): { variants: string[]; isVariant: boolean } {
  const variants = new Set<string>()
  let isVariant = false
  for (const [name, { images }] of indexes) {
    if (!images.includes(id)) continue
    if (names.get(name) === id) for (const other of images) variants.add(other)
    else isVariant = true
  }
  variants.delete(id)
  return { variants: [...variants], isVariant: isVariant && ![...names.values()].includes(id) }
}
