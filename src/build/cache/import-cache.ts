import { chainIds, digestOf } from '../../containerd/images/image-document.ts'
import { LayerTar } from '../../containerd/images/layer-tar.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { BuildJob, BuildRoom } from '../solve/build-room.ts'
import { LiveVertex } from '../solve/vertices.ts'
import { chainOf, type CachedStep, type Stack } from './build-cache.ts'
import { cacheConfigType, decodeCacheConfig } from './cache-config.ts'
import { importFrom, inlineKey, readRecords } from './inline-cache.ts'

/** Bytes; configurations and manifests of caches. */
const largestDocument = 64 << 20

/** Where blobs of a cache outside of the engine are. */
interface CacheSource {
  name: string
  read(digest: string): Promise<AsyncIterable<Uint8Array>> | AsyncIterable<Uint8Array>
  /** Of the manifest: by tag or digest. */
  manifest(): Promise<Buffer>
}

interface RemoteRecord {
  blob: string
  diffId: string
  created: number
  source: CacheSource
}

/** Caches outside of the engine, as far as a build has been told of them. Layers are fetched when a step wants them. */
export class CacheImports {
  readonly #room: BuildRoom
  readonly #job: BuildJob
  readonly #records = new Map<string, RemoteRecord>()
  readonly #mounts = new Map<string, { blob: string; source: CacheSource }>()

  constructor(room: BuildRoom, job: BuildJob) {
    this.#room = room
    this.#job = job
  }

  /** A source that is not there, or says nothing, is no failure: the build is done without. */
  async open(): Promise<void> {
    const seen = new Set<string>()
    for (const spec of this.#job.request.cacheFrom) {
      const { type, attributes } = spec
      const name = type === 'local' ? `local:${attributes['src'] ?? ''}` : (attributes['ref'] ?? '')
      if (seen.has(`${type} ${name}`)) continue
      seen.add(`${type} ${name}`)
      const vertex = new LiveVertex(this.#job, { name: `importing cache manifest from ${name || type}` })
      vertex.start()
      try {
        if (type === 'local') await this.#take(this.#localSource(attributes), attributes)
        else if (type === 'registry' && name !== '') await this.#fromRegistry(name, attributes)
        else throw new GantryError('InvalidParameter', `cache import of type ${type} needs a ref`)
        vertex.end()
      } catch (error) {
        if (this.#job.signal.aborted) throw error
        vertex.end({ error: messageOf(error) })
      }
    }
  }

  /** @returns the step's result, now in the engine's own cache too */
  async find(key: string, below: Stack, description: string): Promise<CachedStep | undefined> {
    const record = this.#records.get(key)
    if (record === undefined) return undefined
    const { core, cache } = this.#room
    const { blob, diffId, created, source } = record
    const chainId = chainIds([...below.map((layer) => layer.diffId), diffId]).at(-1)!
    const items = [{ kind: 'layer', key: chainId }, { kind: 'blob', key: blob }] as const
    this.#job.cleanups.push(core.holds.hold(items))
    try {
      core.database.addPending(items)
      if (!core.content.has(blob)) await core.content.write(this.#checked(await source.read(blob)), blob)
      const tar = new LayerTar({ path: core.content.path(blob), digest: blob }, { diffId, at: below.length }, { signal: this.#job.signal })
      const { size } = await core.snapshotter.extract({ chainId, parent: chainOf(below), tar })
      if (tar.size === 0) await tar.readThrough()
      const stack = [...below, { diffId, chainId, blob, tarSize: tar.size, size }]
      cache.add({ key, type: 'regular', description, stack, created })
      return { stack, created }
    } catch (error) {
      if (this.#job.signal.aborted) throw error
      this.#records.delete(key)
      this.#room.log(`cannot take a layer from cache ${source.name}: ${messageOf(error)}`)
      return undefined
    }
  }

  /** The archive of a cache mount that a source has. */
  mount(id: string): (() => Promise<AsyncIterable<Uint8Array>>) | undefined {
    const found = this.#mounts.get(id)
    return found && (async () => await found.source.read(found.blob))
  }

  async *#checked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of bytes) {
      this.#job.signal.throwIfAborted()
      yield chunk
    }
  }

  /** An image that is here says it all; else the registry is asked, for a cache or for an image with one in it. */
  async #fromRegistry(ref: string, attributes: Readonly<Record<string, string>>): Promise<void> {
    try {
      return await importFrom(this.#room, this.#job, { ref, onlyHere: true })
    } catch (error) {
      const isMissing = error instanceof GantryError && error.kind === 'NotFound'
      if (!isMissing || attributes['pull'] === 'false') throw error
    }
    await this.#take(this.#remoteSource(ref), attributes)
  }

  async #take(source: CacheSource, attributes: Readonly<Record<string, string>>): Promise<void> {
    const manifest = JSON.parse((await source.manifest()).toString()) as { config?: Listed; layers?: Listed[]; manifests?: Listed[] }
    const configured = [manifest.config, ...(manifest.manifests ?? [])].find((each) => each?.mediaType === cacheConfigType)
    if (configured === undefined) {
      await this.#takeInline(source, manifest)
      return
    }
    const config = decodeCacheConfig(await this.#document(source, configured.digest))
    for (const { key, layer, created } of config.records) {
      const { blob, diffId } = config.layers[layer]!
      if (blob !== '' && !this.#records.has(key)) this.#records.set(key, { blob, diffId, created, source })
    }
    if (/^(1|t|true)$/i.test(attributes['mounts'] ?? '')) for (const { id, blob } of config.mounts) this.#mounts.set(id, { blob, source })
  }

  /** An image of one platform that carries the keys of its own steps. */
  async #takeInline(source: CacheSource, { config, layers = [] }: { config?: Listed; layers?: Listed[] }): Promise<void> {
    if (config === undefined) throw new GantryError('InvalidParameter', `${source.name} is no cache`)
    const document = JSON.parse((await this.#document(source, config.digest)).toString()) as { rootfs?: { diff_ids?: string[] }; [inlineKey]?: unknown }
    for (const { key, layer, created } of readRecords(document[inlineKey])) {
      const [blob, diffId] = [layers[layer]?.digest, document.rootfs?.diff_ids?.[layer]]
      if (blob !== undefined && diffId !== undefined) this.#records.set(key, { blob, diffId, created, source })
    }
  }

  async #document(source: CacheSource, digest: string): Promise<Buffer> {
    const parts: Buffer[] = []
    let size = 0
    for await (const chunk of await source.read(digest)) {
      parts.push(Buffer.from(chunk))
      if ((size += chunk.length) > largestDocument) throw new GantryError('InvalidParameter', `the configuration of cache ${source.name} is too large`)
    }
    const bytes = Buffer.concat(parts)
    if (digestOf(bytes) !== digest) throw new GantryError('InvalidParameter', `content digest ${digestOf(bytes)} does not match the expected ${digest}`)
    return bytes
  }

  #localSource({ src = '', digest = '' }: Readonly<Record<string, string>>): CacheSource {
    const client = this.#job.request.clientContent?.(`local:${src}`)
    if (client === undefined || src === '') throw new GantryError('InvalidParameter', 'local cache importer requires src')
    if (digest === '') throw new GantryError('InvalidParameter', 'local cache importer requires either explicit digest, "latest" tag or custom tag on index.json')
    return { name: src, read: (wanted) => client.read(wanted), manifest: () => this.#document({ name: src, read: (wanted) => client.read(wanted), manifest: async () => Buffer.alloc(0) }, digest) }
  }

  #remoteSource(reference: string): CacheSource {
    const { request, signal } = this.#job
    const at = { reference, write: false, credentials: (host: string) => request.credentials(host), signal }
    return {
      name: reference,
      manifest: () => this.#room.atRemote(at, async (remote, named) => (await remote.manifest(named)).bytes),
      read: (digest) => lasting((use) => this.#room.atRemote(at, async (remote) => await use(await remote.blob(digest)))),
    }
  }
}

interface Listed {
  mediaType: string
  digest: string
}

/** What can be read only within a call, as a stream: the call lasts until it has been read. */
async function* lasting(open: (use: (bytes: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void>): AsyncGenerator<Uint8Array, void, undefined> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  writer.closed.catch(() => undefined)
  const done = open(async (bytes) => {
    for await (const chunk of bytes) {
      await writer.ready
      await writer.write(Buffer.from(chunk))
    }
  }).then(
    () => writer.close(),
    (error: unknown) => writer.abort(error),
  )
  done.catch(() => undefined)
  yield* readable
  await done
}
