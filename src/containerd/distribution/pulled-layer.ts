import { GantryError } from '../../lib/errors.ts'
import type { StoredLayer } from '../images/image-database.ts'
import type { Descriptor } from './manifest.ts'
import { bar, shortDigest, step } from './progress.ts'
import type { PullImage } from './pull-image.ts'
import type { DownloadLease } from './shared-downloads.ts'

/** One layer of a pull: found here, or on its way from the registry. Shows its progress. */
export class PulledLayer {
  readonly descriptor: Descriptor
  /** The same layer of an image that is here. */
  readonly stored: StoredLayer | undefined
  readonly #options: PullImage
  readonly #id: string
  readonly #lease: DownloadLease | undefined

  constructor(options: PullImage, descriptor: Descriptor, stored: StoredLayer | undefined) {
    this.#options = options
    this.descriptor = descriptor
    this.stored = stored
    this.#id = shortDigest(descriptor.digest)
    if (stored) this.#say('Already exists')
    else {
      this.#say('Pulling fs layer')
      if (!options.core.content.has(descriptor.digest)) this.#lease = this.#join()
    }
  }

  /** Waits until the blob is here. @returns what opens it, from the beginning each time */
  async reader(): Promise<() => AsyncIterable<Uint8Array>> {
    const { core, progress, signal } = this.#options
    const ingest = await this.#arrived()
    const show = bar(progress, { id: this.#id, status: 'Extracting', total: this.descriptor.size })
    return () => counted(ingest ? ingest.read() : core.content.read(this.descriptor.digest), show, signal)
  }

  finish(): void {
    this.#say('Pull complete')
  }

  async commit(): Promise<void> {
    const ingest = await this.#lease?.ingest
    await ingest?.commit(this.descriptor.digest)
  }

  release(): void {
    this.#lease?.release()
  }

  async #arrived(): Promise<Awaited<DownloadLease['ingest']> | undefined> {
    const { signal } = this.#options
    if (this.#lease === undefined) return undefined
    return await Promise.race([this.#lease.ingest, aborted(signal)])
  }

  #join(): DownloadLease {
    const { downloads, repository, progress } = this.#options
    const show = bar(progress, { id: this.#id, status: 'Downloading', total: this.descriptor.size })
    const lease = downloads.join(repository, this.descriptor, {
      onWait: () => this.#say('Waiting'),
      onBytes: show,
      onPause: (seconds) => this.#say(`Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`),
      onVerify: () => this.#say('Verifying Checksum'),
    })
    lease.ingest.then(
      () => this.#say('Download complete'),
      () => undefined,
    )
    return lease
  }

  #say(status: string): void {
    step(this.#options.progress, this.#id, status)
  }
}

async function* counted(source: AsyncIterable<Uint8Array>, show: (read: number) => void, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0
  for await (const chunk of source) {
    if (signal?.aborted) throw new GantryError('System', 'context canceled')
    show((read += chunk.length))
    yield chunk
  }
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(new GantryError('System', 'context canceled'))
    if (signal?.aborted) fail()
    signal?.addEventListener('abort', fail, { once: true })
  })
}
