import { GantryError } from '../../lib/errors.ts'
import type { FileContentStore } from '../content/file-content-store.ts'
import type { Ingest } from '../content/ingest.ts'
import { download } from './download.ts'
import type { Descriptor } from './manifest.ts'
import type { Repository } from './repository.ts'
import { Slots } from './slots.ts'

/** Told how a download comes along. */
export interface DownloadWatcher {
  onWait(): void
  onBytes(current: number): void
  onPause(status: string): void
  onVerify(): void
}

/** A part in a download, which ends when everybody has released theirs. */
export interface DownloadLease {
  ingest: Promise<Ingest>
  release(): void
}

interface Entry {
  ingest: Promise<Ingest>
  watchers: Set<DownloadWatcher>
  controller: AbortController
  users: number
}

/** Downloads of blobs, a few at a time, each blob once however many pulls want it. */
export class SharedDownloads {
  readonly #content: FileContentStore
  readonly #slots: Slots
  readonly #maxAttempts: () => number
  readonly #entries = new Map<string, Entry>()

  constructor(options: { content: FileContentStore; maxDownloads: () => number; maxAttempts: () => number }) {
    this.#content = options.content
    this.#slots = new Slots(options.maxDownloads)
    this.#maxAttempts = options.maxAttempts
  }

  join(repository: Repository, blob: Descriptor, watcher: DownloadWatcher): DownloadLease {
    const entry = this.#entries.get(blob.digest) ?? this.#begin(repository, blob)
    entry.users++
    entry.watchers.add(watcher)
    if (this.#slots.isFull) watcher.onWait()
    return {
      ingest: entry.ingest,
      release: () => {
        entry.watchers.delete(watcher)
        if (--entry.users > 0) return
        entry.controller.abort()
        if (this.#entries.get(blob.digest) === entry) this.#entries.delete(blob.digest)
      },
    }
  }

  #begin(repository: Repository, blob: Descriptor): Entry {
    const watchers = new Set<DownloadWatcher>()
    const controller = new AbortController()
    const { signal } = controller
    const tell = (say: (watcher: DownloadWatcher) => void): void => watchers.forEach(say)
    const ingest = this.#slots.run(async () => {
      if (signal.aborted) throw new GantryError('System', 'context canceled')
      return await download({
        content: this.#content,
        repository,
        blob,
        maxAttempts: this.#maxAttempts(),
        signal,
        onBytes: (current) => tell((watcher) => watcher.onBytes(current)),
        onPause: (status) => tell((watcher) => watcher.onPause(status)),
        onVerify: () => tell((watcher) => watcher.onVerify()),
      })
    })
    // Who joined hears of a failure by awaiting it; nobody may have come to that yet.
    ingest.catch(() => undefined)
    const entry: Entry = { ingest, watchers, controller, users: 0 }
    this.#entries.set(blob.digest, entry)
    return entry
  }
}
