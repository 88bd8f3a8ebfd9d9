import { closeSync, openSync, read } from 'node:fs'
import { promisify } from 'node:util'

const size = 512 << 10
const readAt = promisify(read)

/**
 * The bytes of an open file, read ahead by one chunk into two buffers that are used in turn: each chunk is lent until the next is
 * asked for.
 */
export async function* lentChunks(file: number): AsyncGenerator<Buffer, void, undefined> {
  const buffers = [Buffer.allocUnsafe(size), Buffer.allocUnsafe(size)] as const
  let reading = readAt(file, buffers[0], 0, size, 0)
  try {
    let at = 0
    for (let turn: 0 | 1 = 0; ; turn = turn === 0 ? 1 : 0) {
      const { bytesRead } = await reading
      if (bytesRead === 0) return
      at += bytesRead
      reading = readAt(file, buffers[turn === 0 ? 1 : 0], 0, size, at)
      yield buffers[turn].subarray(0, bytesRead)
    }
  } finally {
    // The descriptor is the caller's, who closes it next.
    await reading.catch(() => undefined)
  }
}

/** The same of the file at a path. */
export async function* lentFile(path: string): AsyncGenerator<Buffer, void, undefined> {
  const file = openSync(path, 'r')
  try {
    yield* lentChunks(file)
  } finally {
    closeSync(file)
  }
}
