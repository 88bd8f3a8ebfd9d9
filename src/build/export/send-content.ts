import { tarEntry } from '../../lib/tar/entry.ts'
import { writeTar, type TarMember } from '../../lib/tar/writer.ts'
import { parseReference } from '../../lib/reference.ts'
import type { ClientContent } from '../contract.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import type { Descriptor } from '../../containerd/images/contract.ts'
import { descriptorOf, ociTypes, type OciBlob, type OciContent } from './content.ts'

/** The tar of an OCI image layout. `docker`: with a manifest.json, as `docker load` of every age reads it. */
export async function* layoutTar(content: OciContent, { names, docker }: { names: readonly string[]; docker?: { config: string; layers: string[] } }): AsyncGenerator<Buffer, void, undefined> {
  yield* writeTar(members(content, names, docker))
}

async function* members({ root, blobs, documents }: OciContent, names: readonly string[], docker: { config: string; layers: string[] } | undefined): AsyncGenerator<TarMember, void, undefined> {
  yield { entry: tarEntry({ name: 'blobs/', type: 'directory' }) }
  yield { entry: tarEntry({ name: 'blobs/sha256/', type: 'directory' }) }
  for (const { digest, size, open } of blobs) yield { entry: tarEntry({ name: blobName(digest), size }), content: lazily(open) }
  for (const { digest, bytes } of documents) yield file(blobName(digest), bytes)
  yield file('index.json', json({ schemaVersion: 2, mediaType: ociTypes.index, manifests: named(root, names) }))
  if (docker) yield file('manifest.json', json([{ Config: blobName(docker.config), RepoTags: names.length === 0 ? null : names.map(familiar), Layers: docker.layers.map(blobName) }]))
  yield file('oci-layout', json({ imageLayoutVersion: '1.0.0' }))
}

function familiar(name: string): string {
  return name.replace(/^docker\.io\/(library\/)?/, '')
}

function named(root: Descriptor, names: readonly string[]): Descriptor[] {
  if (names.length === 0) return [root]
  return names.map((name) => ({ ...root, annotations: { ...root.annotations, 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': parseReference(name).tag ?? 'latest' } }))
}

/** Opens a blob only when its turn has come. */
async function* lazily(open: OciBlob['open']): AsyncGenerator<Uint8Array, void, undefined> {
  yield* open()
}

function file(name: string, bytes: Buffer): TarMember {
  return { entry: tarEntry({ name, size: bytes.length }), content: [bytes] }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

/** Blobs first, then what names them; the reference last, so that what it names is always whole. */
export async function pushContent(room: BuildRoom, { request, signal }: BuildJob, { content, reference }: { content: OciContent; reference: string }): Promise<void> {
  const { blobs, documents, root } = content
  await room.atRemote({ reference, write: true, credentials: (host) => request.credentials(host), signal }, async (remote, tag) => {
    for (const blob of blobs) {
      signal.throwIfAborted()
      await remote.putBlob(blob)
    }
    for (const { digest, bytes, mediaType } of documents) await remote.putManifest(digest === root.digest ? tag : digest, bytes, mediaType)
  })
}

/** Into a directory of the client, whose `index.json` the client writes itself. */
export async function storeContent(client: ClientContent, { blobs, documents }: OciContent): Promise<void> {
  for (const blob of blobs) await client.write(blob)
  for (const document of documents) {
    const { size } = descriptorOf(document)
    await client.write({ digest: document.digest, size, open: () => lazily(() => one(document.bytes)) })
  }
}

async function* one(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
