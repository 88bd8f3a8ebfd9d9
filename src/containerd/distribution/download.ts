import { GantryError } from '../../lib/errors.ts'
import { spent } from '../../lib/spent-bytes.ts'
import type { FileContentStore } from '../content/file-content-store.ts'
import type { Ingest } from '../content/ingest.ts'
import { NetworkError } from './network-error.ts'
import type { Descriptor } from './manifest.ts'
import type { BlobStream, Repository } from './repository.ts'
import { isPassing, pauseAfter, pauseFor } from './retry.ts'

export interface Download {
  content: FileContentStore
  repository: Repository
  blob: Descriptor
  maxAttempts: number
  signal: AbortSignal
  onBytes: (current: number) => void
  /** Told what is to be shown in a pause. */
  onPause: (status: string) => void
  onVerify: () => void
}

/**
 * Brings a blob, going on where an earlier attempt of this or another process has stopped. The answer is sealed, durable and
 * has the right digest, and its file stays when it is suspended.
 * @throws InvalidParameter for another content than the digest says
 */
export async function download(options: Download): Promise<Ingest> {
  const { content, blob, signal } = options
  const ingest = await content.resume(blob.digest)
  try {
    let isFresh = ingest.size === 0
    if (ingest.size > blob.size) ingest.restart()
    for (let attempt = 1; ; attempt++) {
      try {
        await receive(ingest, options)
        options.onVerify()
        const digest = ingest.seal()
        if (digest === blob.digest) break
        const wrong = new GantryError('InvalidParameter', `filesystem layer verification failed for digest ${blob.digest}: got ${digest}`)
        ingest.restart()
        // What an earlier process left may be damaged; what came whole and wrong will come wrong again.
        if (isFresh) throw wrong
        isFresh = true
      } catch (error) {
        if (attempt >= options.maxAttempts || !isPassing(error) || signal.aborted) throw error
        await pauseFor(pauseAfter(attempt, error), options.onPause, signal)
      }
    }
    await ingest.sync()
    return ingest
  } catch (error) {
    if (ingest.size === 0) ingest.abort()
    else ingest.suspend()
    throw error
  }
}

/** A foreign layer that the registry does not have is at one of its own places, which are told nothing of who we are. */
async function open(repository: Repository, { digest, urls = [] }: Descriptor, { from, signal }: { from: number; signal: AbortSignal }): Promise<BlobStream> {
  const places = [() => repository.blob(digest, from, signal), ...urls.map((url) => () => repository.blobAt(new URL(url), from, signal))]
  for (const [at, place] of places.entries()) {
    try {
      return await place()
    } catch (error) {
      if (at === places.length - 1 || !(error instanceof GantryError) || signal.aborted) throw error
    }
  }
  throw new Error('there is always a place')
}

async function receive(ingest: Ingest, { repository, blob, signal, onBytes }: Download): Promise<void> {
  if (ingest.size === blob.size && blob.size > 0) return
  const { stream, offset, request } = await open(repository, blob, { from: ingest.size, signal })
  if (offset !== ingest.size) ingest.restart()
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (ingest.size + chunk.length > blob.size) throw new GantryError('InvalidParameter', `filesystem layer verification failed for digest ${blob.digest}: it is longer than ${blob.size} bytes`)
      ingest.write(chunk)
      onBytes(ingest.size)
      spent(chunk.length)
    }
  } catch (error) {
    if (signal.aborted) throw new GantryError('System', 'context canceled', { cause: error })
    throw error instanceof GantryError ? error : new NetworkError(request, error)
  }
  if (ingest.size < blob.size) throw new NetworkError(request, Object.assign(new Error('unexpected EOF'), { code: 'ECONNRESET' }))
}
