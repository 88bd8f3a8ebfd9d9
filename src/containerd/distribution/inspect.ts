import { GantryError } from '../../lib/errors.ts'
import { parseAnyReference, withDefaultTag } from '../../lib/reference.ts'
import type { Credentials, Distribution, Platform } from './contract.ts'
import { parseManifest, type ImageManifest } from './manifest.ts'
import { atRegistry } from './registry.ts'
import { Repository } from './repository.ts'
import type { DistributionRoom } from './room.ts'

/** GET /distribution/{name}/json: what a registry has under a name, without pulling it. */
export async function inspect(room: DistributionRoom, text: string, options: { credentials: Credentials; signal?: AbortSignal }): ReturnType<Distribution['inspect']> {
  const parsed = parseAnyReference(text)
  if ('id' in parsed) throw new GantryError('InvalidParameter', `unknown image reference format: ${text}`)
  const reference = withDefaultTag(parsed)
  const { settings, userAgent } = room
  return await atRegistry(reference.domain, { settings, userAgent, ...options, mirrors: true }, async (registry) => {
    const repository = new Repository(registry, reference.path, { actions: 'pull', signal: options.signal })
    const { bytes, mediaType, digest } = await repository.manifest(reference.digest ?? reference.tag!)
    const manifest = parseManifest(bytes, mediaType, text)
    const platforms =
      manifest.kind === 'index'
        ? manifest.manifests.flatMap(({ platform, attestation }) => (platform && !attestation ? [platform] : []))
        : [await platformOf(repository, manifest)]
    return { Descriptor: { mediaType, digest, size: bytes.length }, Platforms: platforms }
  })
}

async function platformOf(repository: Repository, { config }: ImageManifest): Promise<Platform> {
  const { stream } = await repository.blob(config.digest)
  const { architecture = '', os = '', variant } = JSON.parse(Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>)).toString('utf8')) as Partial<Platform>
  return { architecture, os, ...(variant && { variant }) }
}
