import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { contentInfo, contentRead, contentStoreKey, contentWrite, writeAction } from '../../lib/buildkit/content-messages.ts'
import { grpcMethod } from '../../lib/grpc/server.ts'
import type { GrpcServices } from '../../lib/grpc/server.ts'
import { GrpcError } from '../../lib/grpc/status.ts'

/** An OCI layout that the engine may read, or write to. */
export interface ContentStore {
  directory: string
  writable: boolean
}

const pieceBytes = 256 * 1024
const notFound = 5
const alreadyExists = 6

/** Layouts by the name that the engine asks for, over containerd's content service; none but those can be reached. */
export function contentServices(stores: ReadonlyMap<string, ContentStore>): GrpcServices {
  if (stores.size === 0) return {}
  const storeOf = (metadata: Record<string, string[]>): ContentStore => {
    const name = metadata[contentStoreKey]?.[0] ?? ''
    const found = stores.get(name)
    if (found === undefined) throw new GrpcError(notFound, `unknown content store ${JSON.stringify(name)}`)
    return found
  }
  return {
    [contentInfo.path]: grpcMethod({
      ...contentInfo,
      async handle(call) {
        const { digest } = await call.request()
        return { info: { digest, size: statSync(existing(storeOf(call.metadata), digest)).size } }
      },
    }),
    [contentRead.path]: grpcMethod({
      ...contentRead,
      async *handle(call) {
        const { digest, offset, size } = await call.request()
        const file = await open(existing(storeOf(call.metadata), digest), 'r')
        try {
          let at = offset
          const end = size > 0 ? offset + size : Number.MAX_SAFE_INTEGER
          while (at < end) {
            const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(pieceBytes, end - at)), 0, undefined, at)
            if (bytesRead === 0) return
            yield { offset: at, data: buffer.subarray(0, bytesRead) }
            at += bytesRead
          }
        } finally {
          await file.close()
        }
      },
    }),
    [contentWrite.path]: grpcMethod({
      ...contentWrite,
      async *handle(call) {
        const store = storeOf(call.metadata)
        if (!store.writable) throw new GrpcError(7, `content store ${store.directory} is read-only`)
        const blobs = path.join(store.directory, 'blobs', 'sha256')
        mkdirSync(blobs, { recursive: true })
        const temporary = path.join(blobs, `.${randomBytes(8).toString('hex')}`)
        const file = await open(temporary, 'wx', 0o644)
        const hash = createHash('sha256')
        let at = 0
        try {
          for await (const { action, expected, data, total } of call.requests) {
            if (expected !== '' && existsSync(blobPath(store, expected))) throw new GrpcError(alreadyExists, `content ${expected}: already exists`)
            if (data.length > 0) {
              await file.appendFile(data)
              hash.update(data)
              at += data.length
            }
            if (action !== writeAction.commit) {
              yield { action, offset: at, total }
              continue
            }
            const digest = `sha256:${hash.digest('hex')}`
            if (expected !== '' && expected !== digest) throw new GrpcError(9, `unexpected commit digest ${digest}, expected ${expected}`)
            await file.sync()
            renameSync(temporary, blobPath(store, digest))
            yield { action, offset: at, total: at, digest }
            return
          }
        } finally {
          await file.close()
          rmSync(temporary, { force: true })
        }
      },
    }),
  }
}

function existing(store: ContentStore, digest: string): string {
  const file = blobPath(store, digest)
  if (!existsSync(file)) throw new GrpcError(notFound, `content ${digest}: not found`)
  return file
}

function blobPath({ directory }: ContentStore, digest: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest)
  if (match === null) throw new GrpcError(3, `invalid digest ${JSON.stringify(digest)}`)
  return path.join(directory, 'blobs', 'sha256', match[1]!)
}

interface LayoutIndex {
  schemaVersion: 2
  mediaType?: string
  manifests: { mediaType: string; digest: string; size: number; annotations?: Record<string, string> }[]
}

const tagKey = 'org.opencontainers.image.ref.name'

/** The digest that a layout has under a tag. Source: OCI image-spec image-layout.md, "index.json". */
export function taggedDigest(directory: string, tag: string): string | undefined {
  const file = path.join(directory, 'index.json')
  if (!existsSync(file)) return undefined
  const { manifests } = JSON.parse(readFileSync(file, 'utf8')) as LayoutIndex
  const tagged = manifests.findLast(({ annotations }) => annotations?.[tagKey] === tag || annotations?.['io.containerd.image.name']?.endsWith(`:${tag}`) === true)
  return (tagged ?? (manifests.length === 1 && manifests[0]!.annotations?.[tagKey] === undefined ? manifests[0] : undefined))?.digest
}

/** Gives a manifest a tag in a layout, which it takes from another. */
export function tagManifest(directory: string, descriptor: LayoutIndex['manifests'][number], tags: readonly string[]): void {
  const file = path.join(directory, 'index.json')
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LayoutIndex) : undefined
  const kept = before?.manifests.filter(({ annotations, digest }) => !tags.includes(annotations?.[tagKey] ?? '') && !(tags.length === 0 && digest === descriptor.digest)) ?? []
  const added = tags.length === 0 ? [descriptor] : tags.map((tag) => ({ ...descriptor, annotations: { ...descriptor.annotations, [tagKey]: tag } }))
  const index: LayoutIndex = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [...kept, ...added] }
  mkdirSync(directory, { recursive: true })
  writeFileSync(path.join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  writeFileSync(`${file}.new`, JSON.stringify(index))
  renameSync(`${file}.new`, file)
}
