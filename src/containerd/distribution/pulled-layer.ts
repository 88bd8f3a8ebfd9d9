import { GantryError } from '../../lib/errors.ts'
import type { StoredLayer } from '../images/image-database.ts'
import type { LayerFile } from '../images/layer-tar.ts'
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

  /** Waits until the blob is here. @returns its file, and whom to tell how much of it was read */
  async arrived(): Promise<{ file: LayerFile; onRead: (bytes: number) => void; signal: AbortSignal | undefined }> {
    const { core, progress, signal } = this.#options
    const ingest = this.#lease && (await Promise.race([this.#lease.ingest, aborted(signal)]))
    const onRead = bar(progress, { id: this.#id, status: 'Extracting', total: this.descriptor.size })
    const { digest } = this.descriptor
    const file: LayerFile = {
      digest,
      get path() {
        return ingest ? ingest.path : core.content.path(digest)
      },
    }
    return { file, onRead, signal }
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

  #join(): DownloadLease {
    const { downloads, repository, progress } = this.#options
    const show = bar(progress, { id: this.#id, status: 'Downloading', total: this.descriptor.size })
    const lease = downloads.join(repository, this.descriptor, {
      onWait: () => this.#say('Waiting'),
      onBytes: show,
      onPause: (status) => this.#say(status),
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

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(new GantryError('System', 'context canceled'))
    if (signal?.aborted) fail()
    signal?.addEventListener('abort', fail, { once: true })
  })
}
