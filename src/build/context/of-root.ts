import type { TarHandler } from '../../lib/tar/reader.ts'

/** Everything in a context belongs to root, as with Docker. */
export function ofRoot(handler: TarHandler): TarHandler {
  return {
    entry: (entry, fragments) => handler.entry({ ...entry, uid: 0, gid: 0 }, fragments),
    data: (chunk, offset) => handler.data(chunk, offset),
    end: () => handler.end(),
  }
}
