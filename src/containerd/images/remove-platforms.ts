import type { RemoveImage } from './contract.ts'
import { sweep, type ImageCore } from './image-core.ts'
import type { StoredImage } from './image-database.ts'
import { parsePlatform } from '../distribution/platform.ts'
import { conflictOf, hasName, refuse, removeImage, removeWithParents, type Reply } from './remove-image.ts'
import { indexOfText, requireVariant } from './variants.ts'

/**
 * `docker rmi --platform`: takes the images of some platforms from a name, and from the other names of the same index. What is the
 * last one goes with the name. @throws NotFound for a platform that is not there, Conflict when a container uses it
 */
export async function removePlatforms(core: ImageCore, image: StoredImage, { text, platforms }: { text: string; platforms: readonly string[] }, options: RemoveImage): Promise<Reply> {
  const doomed = [...new Set(platforms.map((platform) => requireVariant(core.database, { image, text }, parsePlatform(platform))))]
  for (const each of doomed) refuse(each, conflictOf(core, each, options, { soft: !options.force, names: false }))
  const reply: Reply = []
  for (const each of doomed) {
    const index = indexOfText(core.database, text)
    const others = index?.images.filter((id) => id !== each.id) ?? []
    if (index === undefined || others.length === 0) {
      reply.push(...(await removeImage(core, each, text, options)))
      continue
    }
    for (const [name, { digest }] of core.database.indexes) if (digest === index.digest) core.database.removeVariant(name, each.id)
    // A container that was made of it keeps it, without a name.
    if (!hasName(core, each.id) && options.inUse(each.id).length === 0) await removeWithParents(core, each, { options, reply })
  }
  await sweep(core)
  return reply
}
