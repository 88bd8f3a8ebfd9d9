import type { Image, ImageStore } from '../../containerd/images/contract.ts'

/** Ids of the named images and of all that were built on them: by parent, or by layers of which theirs are the beginning. */
export function imageAndDescendants(images: ImageStore, references: string[]): Set<string> {
  const roots = references.flatMap((reference) => images.find(reference) ?? [])
  const ids = new Set(roots.map(({ id }) => id))
  for (const image of images.list()) if (roots.some((root) => descendsFrom(image, root))) ids.add(image.id)
  return ids
}

function descendsFrom(image: Image, root: Image): boolean {
  if (image.parent === root.id) return true
  return root.diffIds.length > 0 && image.diffIds.length > root.diffIds.length && root.diffIds.every((diffId, i) => image.diffIds[i] === diffId)
}
