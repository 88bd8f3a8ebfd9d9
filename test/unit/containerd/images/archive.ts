import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openContentStore } from '../../../../src/containerd/content/file-content-store.ts'
import { openImageStore } from '../../../../src/containerd/images/image-store.ts'
import { openOverlay2 } from '../../../../src/containerd/snapshots/overlay2/overlay2.ts'
import { linuxKernel } from '../../../../src/kernel/linux.ts'
import { layerTar, type Member } from '../snapshots/layer.ts'

export { needsRoot } from '../snapshots/layer.ts'

export function openStore(root: string) {
  const content = openContentStore(join(root, 'content'))
  const snapshotter = openOverlay2({ root: join(root, 'overlay2'), kernel: linuxKernel })
  return { root, content, snapshotter, store: openImageStore({ root: join(root, 'images'), content, snapshotter }) }
}

/** An image store in a directory of its own, which goes with the test file. */
export function temporaryStore() {
  const root = mkdtempSync(join(tmpdir(), 'images-'))
  after(() => rmSync(root, { recursive: true }))
  return openStore(root)
}

/** Everything that a store keeps on disk beside its database. */
export function leftovers(root: string): string[] {
  return ['content/blobs/sha256', 'content/ingest', 'overlay2'].flatMap((directory) => readdirSync(join(root, directory)))
}

export interface Built {
  archive: Buffer
  id: string
  config: Buffer
  layers: Buffer[]
}

export async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(source))
}

export const hexOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A docker-archive as docker save wrote it for years; layers may be gzipped inside. */
export async function dockerArchive(options: { tags: string[] | null; layers: Member[][]; gzip?: boolean; cmd?: string }): Promise<Built> {
  const layers = await Promise.all(options.layers.map((members) => bytesOf(layerTar(members))))
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      config: { Cmd: [options.cmd ?? 'sh'] },
      created: '2024-01-02T03:04:05.123456789Z',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${hexOf(layer)}`) },
    }),
  )
  const files = layers.map((layer, at) => ({ name: `${at}/layer.tar`, bytes: options.gzip ? gzipSync(layer) : layer }))
  const manifest = [{ Config: `${hexOf(config)}.json`, RepoTags: options.tags, Layers: files.map((file) => file.name) }]
  const archive = await tarOf([...files, { name: `${hexOf(config)}.json`, bytes: config }, { name: 'manifest.json', bytes: Buffer.from(JSON.stringify(manifest)) }])
  return { archive, id: `sha256:${hexOf(config)}`, config, layers }
}

export async function tarOf(files: { name: string; bytes: Buffer }[]): Promise<Buffer> {
  return await bytesOf(layerTar(files.map(({ name, bytes }) => ({ name, text: bytes.toString('latin1') })), 'latin1'))
}

export function source(bytes: Buffer): Readable {
  return Readable.from(Array.from({ length: Math.ceil(bytes.length / 4096) }, (_, at) => bytes.subarray(at * 4096, (at + 1) * 4096)))
}
