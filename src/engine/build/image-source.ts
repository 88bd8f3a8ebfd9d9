import { hostPlatform, suits } from '../../containerd/distribution/platform.ts'
import type { Image } from '../../containerd/images/contract.ts'
import type { ImageSource } from '../../build/solve/build-room.ts'
import { platformText } from '../../build/plan/platform.ts'
import { GantryError } from '../../lib/errors.ts'
import { familiarString, fullName, fullString, parseAnyReference, parseReference, withDefaultTag } from '../../lib/reference.ts'
import type { Images } from '../engine.ts'

/** Base images by the engine's own store and pull. */
export function createImageSource(images: () => Images): ImageSource {
  return {
    async resolve({ reference, platform, explicit, pull, onlyHere = false, credentials, progress, signal }) {
      const wanted = explicit ? platformText(platform) : undefined
      const here = images().store.find(reference, wanted) ?? images().store.find(reference)
      const fits = here !== undefined && (!explicit || suits(here, { ...hostPlatform, ...platform }))
      const parsed = parseAnyReference(reference)
      if (here !== undefined && fits && (!pull || 'id' in parsed)) return { image: here, reference: withDigest(here, reference) }
      if ('id' in parsed || onlyHere) throw new GantryError('NotFound', `No such image: ${reference}`)
      const name = familiarString(withDefaultTag(parseReference(reference)))
      await images().pull(
        { reference: name, allTags: false, ...(explicit && { platform: platformText(platform) }), credentials: registryCredentials(await credentials(parsed.domain)), signal },
        ({ id = '', status = '', progressDetail }) => progress({ id, text: status, current: progressDetail?.current ?? 0, total: progressDetail?.total ?? 0 }),
      )
      const image = images().store.get(name, wanted)
      return { image, reference: withDigest(image, reference) }
    },
  }
}

export function registryCredentials(known: { username?: string; password?: string; identityToken?: string } | undefined): { username?: string; password?: string; identitytoken?: string } {
  if (known === undefined) return {}
  const { username, password, identityToken } = known
  return { ...(username && { username }), ...(password && { password }), ...(identityToken && { identitytoken: identityToken }) }
}

/** "docker.io/library/busybox:latest@sha256:…"; what came from no registry has no digest. */
function withDigest(image: Image, text: string): string {
  const parsed = parseAnyReference(text)
  if ('id' in parsed) return text
  const reference = withDefaultTag(parsed)
  if (reference.digest !== undefined) return fullString(reference)
  const digest = image.repoDigests.map(parseReference).find((each) => fullName(each) === fullName(reference))?.digest
  return digest === undefined ? fullString(reference) : `${fullString(reference)}@${digest}`
}
