import { TarFilter } from '../../lib/tar/filter.ts'

/** A layer in which no time is later than `epoch`, seconds since 1970. */
export function cutTimes(layer: AsyncIterable<Uint8Array>, epoch: number): AsyncIterable<Uint8Array> {
  const latest = BigInt(epoch) * 1_000_000_000n
  return new TarFilter(() => true, (entry) => (entry.mtime > latest ? { ...entry, mtime: latest } : entry)).copy(layer)
}
