import type { Image } from '../../containerd/images/contract.ts'
import { chainIds, digestOf, parseImageDocument } from '../../containerd/images/image-document.ts'
import { sweep } from '../../containerd/images/image-core.ts'
import { LayerTar } from '../../containerd/images/layer-tar.ts'
import type { StoredLayer } from '../../containerd/images/image-database.ts'
import { parseManifest, type ImageManifest } from '../../containerd/distribution/manifest.ts'
import { hostPlatform, selectManifest } from '../../containerd/distribution/platform.ts'
import { GantryError } from '../../lib/errors.ts'
import type { ClientContent } from '../contract.ts'
import type { Platform } from '../plan/contract.ts'
import type { BuildJob, BuildRoom } from './build-room.ts'
import type { Stack } from '../cache/build-cache.ts'
import { LiveVertex } from './vertices.ts'

/** Bytes of a manifest or a configuration. */
const largestDocument = 8 << 20

/** "oci-layout://STORE@sha256:…" as the plan names it. */
export function layoutReference(text: string): { store: string; digest: string } | undefined {
  const match = /^oci-layout:\/\/(.*)@(sha256:[0-9a-f]{64})$/.exec(text)
  return match === null ? undefined : { store: match[1]!, digest: match[2]! }
}

/**
 * An image of an OCI layout on the client's side. Its layers are unpacked and held for the build; it becomes no image of the store, and
 * what no step of the cache stands on goes with the build.
 */
export async function layoutImage(room: BuildRoom, job: BuildJob, { store, digest, platform }: { store: string; digest: string; platform: Platform }): Promise<{ image: Image; reference: string; stack: Stack }> {
  const client = job.request.clientContent?.(`oci:${store}`)
  if (client === undefined) throw new GantryError('InvalidParameter', `the client has no OCI layout ${store}`)
  // Done after everything has been let go of.
  job.cleanups.push(() => room.core.exclusive(() => sweep(room.core)))
  const vertex = new LiveVertex(job, { name: `[internal] load metadata for oci-layout://${digest}` })
  return await vertex.during(async () => {
    const manifest = await imageManifest(client, digest, platform)
    const bytes = await document(client, manifest.config.digest)
    const config = parseImageDocument(JSON.parse(bytes.toString()))
    const diffIds = config.rootfs.diff_ids
    if (diffIds.length !== manifest.layers.length) throw new GantryError('InvalidParameter', `invalid manifest ${digest}: it lists ${manifest.layers.length} layers, its configuration ${diffIds.length}`)
    const stack: StoredLayer[] = []
    const chain = chainIds(diffIds)
    for (const [at, { digest: blob, size: total }] of manifest.layers.entries()) {
      job.signal.throwIfAborted()
      vertex.status({ id: blob, current: 0, total, started: Date.now() })
      stack.push(await layer(room, job, { client, blob, diffId: diffIds[at]!, chainId: chain[at]!, parent: chain[at - 1], at }))
      vertex.status({ id: blob, current: total, total, started: Date.now(), completed: Date.now() })
    }
    const { architecture = '', os = 'linux', variant, author } = config
    const image: Image = {
      id: digestOf(bytes), repoTags: [], repoDigests: [], created: config.created ?? '0001-01-01T00:00:00Z', architecture, os, parent: '', config: config.config ?? {},
      diffIds, chainId: chain.at(-1), size: stack.reduce((sum, { size }) => sum + size, 0), history: config.history ?? [], ...(variant && { variant }), ...(author && { author }),
    }
    return { image, reference: `oci-layout://${store}@${digest}`, stack }
  })
}

async function layer({ core }: BuildRoom, job: BuildJob, { client, blob, diffId, chainId, parent, at }: { client: ClientContent; blob: string; diffId: string; chainId: string; parent: string | undefined; at: number }): Promise<StoredLayer> {
  const items = [{ kind: 'layer', key: chainId }, { kind: 'blob', key: blob }] as const
  job.cleanups.push(core.holds.hold(items))
  core.database.addPending(items)
  if (!core.content.has(blob)) await core.content.write(client.read(blob), blob)
  const tar = new LayerTar({ path: core.content.path(blob), digest: blob }, { diffId, at }, { signal: job.signal })
  const { size } = await core.snapshotter.extract({ chainId, parent, tar })
  if (tar.size === 0) await tar.readThrough()
  return { diffId, chainId, blob, tarSize: tar.size, size }
}

async function imageManifest(client: ClientContent, digest: string, platform: Platform): Promise<ImageManifest> {
  const parsed = parseManifest(await document(client, digest), '', digest)
  if (parsed.kind === 'image') return parsed
  const chosen = selectManifest(parsed, { ...hostPlatform, ...platform })
  const inner = parseManifest(await document(client, chosen.digest), chosen.mediaType, chosen.digest)
  if (inner.kind === 'index') throw new GantryError('InvalidParameter', `invalid index ${digest}: its indexes are nested too deep`)
  return inner
}

async function document(client: ClientContent, digest: string): Promise<Buffer> {
  const size = await client.size(digest)
  if (size === undefined) throw new GantryError('NotFound', `content ${digest}: not found`)
  if (size > largestDocument) throw new GantryError('InvalidParameter', `content ${digest} has ${size} bytes`)
  const parts: Buffer[] = []
  for await (const piece of client.read(digest)) parts.push(Buffer.from(piece))
  const bytes = Buffer.concat(parts)
  if (digestOf(bytes) !== digest) throw new GantryError('InvalidParameter', `content digest ${digestOf(bytes)} does not match the expected ${digest}`)
  return bytes
}
