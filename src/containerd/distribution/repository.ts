import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { GantryError } from '../../lib/errors.ts'
import type { Scope } from './authorization.ts'
import { readBody, type HttpAnswer } from './http-exchange.ts'
import { acceptedManifests } from './manifest.ts'
import type { Registry, RegistryRequest } from './registry.ts'
import { registryError } from './registry-error.ts'
import { retried } from './retry.ts'

/** Bytes; what registries accept. */
const largestManifest = 4 << 20
const largestTagList = 8 << 20

export interface FetchedManifest {
  bytes: Buffer
  mediaType: string
  digest: string
}

/** A stream of a blob from `offset` on; a registry that cannot do that begins at 0. */
export interface BlobStream {
  stream: Readable
  offset: number
  request: HttpAnswer['request']
}

/** One repository of a registry: OCI distribution-spec 1.1. Refusals are RegistryError. */
export class Repository {
  readonly registry: Registry
  readonly path: string
  readonly #scopes: readonly Scope[]
  readonly #signal: AbortSignal | undefined

  constructor(registry: Registry, path: string, options: { actions: 'pull' | 'pull,push'; alsoPull?: readonly string[]; signal?: AbortSignal }) {
    this.registry = registry
    this.path = path
    this.#scopes = [`repository:${path}:${options.actions}`, ...(options.alsoPull ?? []).map((other) => `repository:${other}:pull`)]
    this.#signal = options.signal
  }

  /** By tag or digest. @throws InvalidParameter for one that is not what its digest says */
  async manifest(reference: string): Promise<FetchedManifest> {
    return await retried(async () => {
      const answer = await this.ask({ method: 'GET', url: this.url(`manifests/${reference}`), headers: { Accept: acceptedManifests.join(', ') } })
      const bytes = await readBody(answer, largestManifest)
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
      if (reference.startsWith('sha256:') && reference !== digest) {
        throw new GantryError('InvalidParameter', `manifest verification failed for digest ${reference}`)
      }
      return { bytes, mediaType: answer.headers['content-type'] ?? '', digest }
    }, this.#signal)
  }

  async putManifest(reference: string, bytes: Buffer, mediaType: string): Promise<void> {
    await retried(async () => {
      const answer = await this.ask({ method: 'PUT', url: this.url(`manifests/${reference}`), headers: { 'Content-Type': mediaType }, body: bytes })
      answer.body.resume()
    }, this.#signal)
  }

  async tags(): Promise<string[]> {
    const tags: string[] = []
    for (let url: URL | undefined = this.url('tags/list'); url !== undefined; ) {
      const answer = await this.ask({ method: 'GET', url })
      const page = JSON.parse((await readBody(answer, largestTagList)).toString('utf8')) as { tags?: string[] | null }
      tags.push(...(page.tags ?? []))
      const next: string | undefined = /<([^>]+)>\s*;\s*rel="?next"?/.exec(String(answer.headers['link'] ?? ''))?.[1]
      url = next === undefined ? undefined : new URL(next, url)
    }
    return tags
  }

  async blob(digest: string, offset = 0, signal = this.#signal): Promise<BlobStream> {
    return await this.blobAt(this.url(`blobs/${digest}`), offset, signal)
  }

  /** Credentials go to the registry's own host only. */
  async blobAt(url: URL, offset = 0, signal = this.#signal): Promise<BlobStream> {
    const headers = offset > 0 ? { Range: `bytes=${offset}-` } : undefined
    const answer = await this.ask({ method: 'GET', url, headers, signal })
    const begins = /^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1]
    return { stream: answer.body, offset: answer.status === 206 && begins !== undefined ? Number(begins) : 0, request: answer.request }
  }

  /** Bytes of a blob that is there; undefined when it is not, or may not be seen. */
  async blobSize(digest: string): Promise<number | undefined> {
    const answer = await retried(() => this.#send({ method: 'HEAD', url: this.url(`blobs/${digest}`) }), this.#signal)
    answer.body.resume()
    return answer.status === 200 ? Number(answer.headers['content-length'] ?? 0) : undefined
  }

  /** An answer below 400. */
  async ask(request: RegistryRequest): Promise<HttpAnswer> {
    const answer = await this.#send(request)
    if (answer.status >= 400) throw await registryError(answer)
    return answer
  }

  url(path: string): URL {
    return this.registry.url(`${this.path}/${path}`)
  }

  async #send(request: RegistryRequest): Promise<HttpAnswer> {
    return await this.registry.send({ scopes: this.#scopes, signal: this.#signal, ...request })
  }
}
