import type { Descriptor, Image, ImageStore } from '../../containerd/images/contract.ts'

/** What an image is cannot change, so it is worked out once. */
const known = new WeakMap<ImageStore, Map<string, Descriptor>>()

/** Of the manifest that a container is made from, with its platform (ImageManifestDescriptor, API 1.48). undefined: nobody can tell. */
export async function manifestOf(images: ImageStore, image: Image): Promise<Descriptor | undefined> {
  const descriptors = known.get(images) ?? new Map<string, Descriptor>()
  known.set(images, descriptors)
  const found = descriptors.get(image.id) ?? (await look(images, image))
  if (found !== undefined) descriptors.set(image.id, found)
  return found
}

async function look(images: ImageStore, image: Image): Promise<Descriptor | undefined> {
  try {
    const summary = (await images.manifests(image)).find((each) => each.image?.id === image.id)
    if (summary === undefined) return undefined
    const { architecture, os, variant } = image
    return { ...summary.descriptor, platform: summary.descriptor.platform ?? { architecture, os, ...(variant && { variant }) } }
  } catch {
    return undefined // a container is worth more than this
  }
}
