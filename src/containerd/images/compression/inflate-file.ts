import { RingReader } from './ring.ts'
import { borrowThread } from './threads.ts'

export interface Inflated {
  /** Each chunk is lent until the next is asked for. */
  chunks: AsyncGenerator<Uint8Array, void, undefined>
  /** Of all chunks; known when they have ended. */
  digest(): string
}

/**
 * Decompresses a file in a thread of its own, so that it goes on while the caller works on what has come. The memory that it
 * takes is the same for every file. `file` is a descriptor at its beginning. @throws zlib's error for broken data
 */
export function inflateFile(file: number, compression: 'gzip' | 'zstd', onRead: (bytes: number) => void): Inflated {
  let digest = ''
  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    const thread = await borrowThread()
    const reader = new RingReader(thread.ring)
    let isOver = false
    try {
      thread.start({ kind: 'inflate', file, compression, ring: thread.ring })
      for (;;) {
        const message = await thread.next()
        isOver = message.kind !== 'slot'
        if (message.kind === 'failed') throw Object.assign(new Error(message.message), { code: message.code })
        if (message.kind === 'end') {
          digest = message.digest
          return
        }
        onRead(message.read)
        yield reader.take(message.length)
        reader.release()
      }
    } finally {
      reader.stop()
      // A reader that leaves early waits for the thread to notice.
      while (!isOver) isOver = await thread.next().then(({ kind }) => kind !== 'slot', () => true)
      thread.giveBack()
    }
  }
  return { chunks: chunks(), digest: () => digest }
}
