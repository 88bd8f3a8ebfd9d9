import { GantryError } from '../../lib/errors.ts'
import { familiarString, fullName, fullString, parseReference, withDefaultTag, type Reference } from '../../lib/reference.ts'
import type { RemoveImage } from './contract.ts'
import { sweep, type ImageCore } from './image-core.ts'
import { parentOf, type StoredImage } from './image-database.ts'
import { variantsOf } from './variants.ts'

export type Reply = { Untagged?: string; Deleted?: string }[]

/**
 * `docker rmi`: a name is untagged first, and the image deleted when that was its last; an id deletes the image when all
 * its names are one. Conflicts that `force` overrules say "must force" or "must be forced".
 */
export async function removeImage(core: ImageCore, image: StoredImage, text: string, options: RemoveImage): Promise<Reply> {
  const variants = variantIds(core, image.id)
  const reply = await removeNamed(core, image, { text, options })
  // Of another platform nothing stays behind that has no name any more, unless a container was made of it.
  for (const id of variants) {
    const variant = core.database.images.get(id)
    if (variant === undefined || hasName(core, id) || conflictOf(core, variant, options, { soft: true, names: false })) continue
    await removeWithParents(core, variant, { options, reply })
  }
  return reply
}

async function removeNamed(core: ImageCore, image: StoredImage, { text, options }: { text: string; options: RemoveImage }): Promise<Reply> {
  const reply: Reply = []
  const references = (): Reference[] => namesOf(core, image.id)
  const byId = isIdPrefix(image.id, text)
  if (byId) {
    if (isSingle(references())) {
      refuse(image, conflictOf(core, image, options, { soft: !options.force, names: false }))
      for (const name of references()) untag(core, name, reply)
    }
  } else {
    const user = [image.id, ...variantIds(core, image.id)].flatMap(options.inUse)[0]
    if (!options.force && user !== undefined && isSingle(references())) {
      throw new GantryError(
        'Conflict',
        `conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`,
      )
    }
    const name = withDefaultTag(parseReference(text))
    untag(core, name, reply)
    const rest = references()
    if (!rest.some((other) => other.digest === undefined && fullName(other) === fullName(name))) {
      for (const other of rest) if (fullName(other) === fullName(name)) untag(core, other, reply)
    }
    if (references().length > 0) return reply
  }
  const conflict = conflictOf(core, image, options, { soft: !options.force, names: true })
  // The name is gone by then: Docker keeps quiet about users of the image, which stays without a name.
  if (conflict?.used && !byId) return reply
  refuse(image, conflict)
  for (const name of references()) untag(core, name, reply)
  await removeWithParents(core, image, { options, reply })
  return reply
}

/** Parents that nobody names, uses or stands on go too, unless told otherwise. */
export async function removeWithParents(core: ImageCore, image: StoredImage, { options, reply }: { options: RemoveImage; reply: Reply }): Promise<void> {
  for (let next: StoredImage | undefined = image; next !== undefined; ) {
    const parent = parentOf(core.database.images, next)
    core.database.remove(next)
    reply.push({ Deleted: next.id })
    for (const chainId of await sweep(core)) reply.push({ Deleted: chainId })
    next = parent === undefined || options.noPrune ? undefined : core.database.images.get(parent)
    if (next !== undefined && (namesOf(core, next.id).length > 0 || conflictOf(core, next, options, { soft: true, names: true }))) next = undefined
  }
}

/** Is what the user typed an id, or the beginning of one? */
export function isIdPrefix(id: string, text: string): boolean {
  return id.startsWith(text) || id.slice('sha256:'.length).startsWith(text)
}

interface Conflict {
  hard: boolean
  used: boolean
  reason: string
}

export function conflictOf(core: ImageCore, image: StoredImage, options: RemoveImage, check: { soft: boolean; names: boolean }): Conflict | undefined {
  for (const other of core.database.images.values()) {
    if (parentOf(core.database.images, other) === image.id) return { hard: true, used: false, reason: 'image has dependent child images' }
  }
  const users = options.inUse(image.id)
  const running = users.find((user) => user.running)
  if (running) return { hard: true, used: true, reason: `image is being used by running container ${shortId(running.id)}` }
  if (!check.soft) return undefined
  if (check.names && namesOf(core, image.id).length > 0) {
    return { hard: false, used: false, reason: 'image is referenced in multiple repositories' }
  }
  const stopped = users[0]
  return stopped && { hard: false, used: true, reason: `image is being used by stopped container ${shortId(stopped.id)}` }
}

export function refuse(image: StoredImage, conflict: Conflict | undefined): void {
  if (conflict === undefined) return
  const force = conflict.hard ? 'cannot be forced' : 'must be forced'
  throw new GantryError('Conflict', `conflict: unable to delete ${shortId(image.id)} (${force}) - ${conflict.reason}`)
}

/** At most one tag, and digests only of the same repository. */
function isSingle(names: readonly Reference[]): boolean {
  if (names.length <= 1) return true
  const tags = names.filter((name) => name.digest === undefined)
  return tags.length <= 1 && new Set(names.map(fullName)).size === 1
}

function untag(core: ImageCore, name: Reference, reply: Reply): void {
  core.database.removeName(fullString(name))
  reply.push({ Untagged: familiarString(name) })
}

/** Images of other platforms by the names of this one. */
function variantIds({ database }: ImageCore, id: string): string[] {
  const { variants } = variantsOf(database, database.images.get(id)!)
  return variants
}

export function hasName({ database }: ImageCore, id: string): boolean {
  return [...database.names.values()].includes(id) || [...database.indexes.values()].some(({ images }) => images.includes(id))
}

function namesOf(core: ImageCore, id: string): Reference[] {
  return [...core.database.names].filter(([, image]) => image === id).map(([full]) => parseReference(full))
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
