import { GantryError } from '../../lib/errors.ts'
import { familiarName, familiarString, fullName, fullString, parseReference, withDefaultTag, type Reference } from '../../lib/reference.ts'
import { sweep } from '../images/image-core.ts'
import { references, type StoredImage } from '../images/image-database.ts'
import type { Distribution, Progress, PushRequest } from './contract.ts'
import { noCredentials } from './authorization.ts'
import { NetworkError } from './network-error.ts'
import { requireVariant } from '../images/variants.ts'
import { parsePlatform } from './platform.ts'
import { mountSources, pushImage } from './push-image.ts'
import { indexToPush, pushedInstead, pushIndex } from './push-index.ts'
import { atRegistry } from './registry.ts'
import { Repository } from './repository.ts'
import type { DistributionRoom } from './room.ts'

interface Pushed {
  name: Reference
  image: StoredImage
}

/** `docker push`: one tag, or all that the store has of a repository. */
export async function push(room: DistributionRoom, request: PushRequest, progress: Progress): ReturnType<Distribution['push']> {
  const reference = parseReference(request.reference)
  if (reference.digest !== undefined) throw new GantryError('InvalidParameter', 'cannot push a digest reference')
  const { core, settings, userAgent } = room
  const { credentials, signal } = request
  progress({ status: `The push refers to repository [${fullName(reference)}]` })
  const platform = request.platform ? parsePlatform(request.platform) : undefined
  const named = request.allTags ? tagsOf(room, reference) : [one(room, withDefaultTag(reference))]
  const wanted = named.map(({ name, image }) => ({ name, image: platform ? requireVariant(core.database, { image, text: familiarString(name) }, platform) : image }))
  const indexes = new Map(platform ? [] : await Promise.all(named.map(async ({ name }) => [name, await indexToPush(core, fullString(name))] as const)))
  const letGo = core.holds.hold([...wanted.flatMap(({ image }) => references(image)), ...[...indexes.values()].flatMap((index) => index?.references ?? [])])
  try {
    await atRegistry(reference.domain, { settings, userAgent, credentials, signal, mirrors: false }, async (registry) => {
      for (const { name, image } of wanted) {
        const index = indexes.get(name)
        const blobs = [image, ...(index?.images ?? [])].flatMap(({ layers }) => layers.map(({ blob }) => blob))
        const alsoPull = [...new Set(blobs.flatMap((blob) => mountSources(core.database.sources(blob), fullName(reference))))]
        const repository = new Repository(registry, reference.path, { actions: 'pull,push', alsoPull, signal })
        const options = { room, repository, repositoryName: fullName(reference), progress, signal }
        const { digest, size } = index?.isWhole ? await pushIndex(options, index, name.tag!) : await pushImage({ ...options, image }, name.tag!)
        // One platform's of a name for several gets no name of its own by a push.
        if (core.database.names.get(fullString(name)) === image.id) core.database.addDigestName(`${fullName(reference)}@${digest}`, image.id)
        progress({ status: `${name.tag}: digest: ${digest} size: ${size}` })
        progress({ progressDetail: {}, aux: { Tag: name.tag, Digest: digest, Size: size } })
        if (index && !index.isWhole) progress({ progressDetail: {}, aux: await pushedInstead(core, index, image) })
      }
    })
  } catch (error) {
    // Docker's text, which clients know, leaves the request out.
    if (error instanceof NetworkError && error.reason === noCredentials) throw new GantryError('Unauthorized', noCredentials, { cause: error })
    throw error
  } finally {
    letGo()
    // What compression has replaced was held until now.
    await core.exclusive(() => sweep(core)).catch(() => undefined)
  }
  return wanted.map(({ name, image }) => ({ reference: familiarString(name), imageId: image.id }))
}

function one({ core }: DistributionRoom, name: Reference): Pushed {
  const id = core.database.names.get(fullString(name))
  if (id !== undefined) return { name, image: core.database.images.get(id)! }
  const others = [...core.database.names.keys()].some((full) => fullName(parseReference(full)) === fullName(name))
  if (others) throw new GantryError('NotFound', `tag does not exist: ${familiarString(name)}`)
  throw new GantryError('NotFound', `An image does not exist locally with the tag: ${familiarName(name)}`)
}

function tagsOf({ core }: DistributionRoom, reference: Reference): Pushed[] {
  const found: Pushed[] = []
  for (const [full, id] of core.database.names) {
    const name = parseReference(full)
    if (name.tag !== undefined && fullName(name) === fullName(reference)) found.push({ name, image: core.database.images.get(id)! })
  }
  if (found.length === 0) throw new GantryError('NotFound', `An image does not exist locally with the tag: ${familiarName(reference)}`)
  return found.toSorted((a, b) => (a.name.tag! < b.name.tag! ? -1 : 1))
}
