import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { RegistrySettings } from '../../../../src/containerd/distribution/registry-settings.ts'
import { dockerArchive } from '../images/archive.ts'

/** A registry that can be told to misbehave, which a real one cannot. Blobs and manifests are in memory. */
export interface RegistryServer {
  address: string
  /** By digest. */
  blobs: Map<string, Buffer>
  /** By "repository:reference". */
  manifests: Map<string, { bytes: Buffer; type: string }>
  /** "GET /v2/ 200", with a range behind it where one was asked for. */
  requests: string[]
  /** Called first; true: it has answered. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean
}

export async function startRegistryServer(): Promise<RegistryServer> {
  const registry: RegistryServer = { address: '', blobs: new Map(), manifests: new Map(), requests: [], intercept: () => false }
  const server = createServer((request, response) => {
    response.on('close', () => registry.requests.push([request.method, request.url, response.statusCode, ...(request.headers.range ? [request.headers.range] : [])].join(' ')))
    if (!registry.intercept(request, response)) answer(registry, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close().closeAllConnections())
  registry.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return registry
}

export const settingsFor = (changes: Partial<RegistrySettings> = {}): RegistrySettings => ({
  mirrors: [], insecure: [], certificates: '/nonexistent', proxies: { http: '', https: '', none: '' }, maxDownloads: 3, maxUploads: 5, maxAttempts: 5, ...changes,
})

export const digestOf = (bytes: Buffer | string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export interface Offered {
  /** Of the image: the digest of its configuration. */
  id: string
  digest: string
  layers: Buffer[]
}

/** Puts an image into a registry: one file a layer. */
export async function offerImage(registry: RegistryServer, name: string, files: { name: string; text: string }[]): Promise<Offered> {
  const { config, layers: tars, id } = await dockerArchive({ tags: null, layers: files.map((file) => [file]) })
  const layers = tars.map((tar) => gzipSync(tar))
  for (const blob of [config, ...layers]) registry.blobs.set(digestOf(blob), blob)
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: type,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: id, size: config.length },
      layers: layers.map((layer) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(layer), size: layer.length })),
    }),
  )
  registry.manifests.set(name, { bytes, type })
  return { id, digest: digestOf(bytes), layers }
}

function answer({ blobs, manifests }: RegistryServer, request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? ''
  if (url === '/v2/') return void response.end('{}')
  const [, repository, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url) ?? []
  const manifest = kind === 'manifests' ? manifests.get(`${repository}:${reference}`) : undefined
  if (manifest) return void response.setHeader('Content-Type', manifest.type).end(manifest.bytes)
  const blob = kind === 'blobs' ? blobs.get(reference ?? '') : undefined
  if (!blob) return refuse(response, 404, kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN', 'unknown here')
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  if (from > 0) response.writeHead(206, { 'Content-Range': `bytes ${from}-${blob.length - 1}/${blob.length}` })
  response.end(blob.subarray(from))
}

export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.statusCode = status
  response.end(JSON.stringify({ errors: [{ code, message }] }))
}
