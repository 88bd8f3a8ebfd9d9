import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'
import { RingWriter, type RingMemory } from './ring.ts'
import { ZlibSteps } from './zlib-steps.ts'

/** A file to decompress. */
export interface InflateJob {
  kind: 'inflate'
  /** Descriptor, at its beginning; it stays the sender's. */
  file: number
  compression: 'gzip' | 'zstd'
  ring: RingMemory
}

const input = Buffer.alloc(256 << 10)

/**
 * Decompresses into the ring. `tell` is called for each filled slot, with the bytes of the file that were read by then. What follows
 * the end of the compressed data is not looked at. @returns the digest of what came out
 */
export function inflate({ file, compression, ring }: InflateJob, tell: (length: number, read: number) => void): string {
  const hash = createHash('sha256')
  const writer = new RingWriter(ring)
  const inflater = new ZlibSteps(compression === 'gzip' ? 'gunzip' : 'unzstd')
  let read = 0
  const output = { slot: writer.next(), used: 0 }
  const give = (): void => {
    if (output.slot === undefined || output.used === 0) return
    hash.update(output.slot.subarray(0, output.used))
    writer.filled()
    tell(output.used, read)
    Object.assign(output, { slot: writer.next(), used: 0 })
  }
  try {
    for (let hasEnded = false; !hasEnded && output.slot !== undefined; ) {
      const length = readSync(file, input, 0, input.length, null)
      read += length
      let rest = input.subarray(0, length)
      for (let isHungry = false; !isHungry && output.slot !== undefined; ) {
        const room: Buffer = output.slot.subarray(output.used)
        const step = length === 0 ? { used: 0, ...inflater.finish(room) } : inflater.step(rest, room)
        rest = rest.subarray(step.used)
        output.used += step.made
        isHungry = step.made < room.length
        if (!isHungry) give()
      }
      // Input that it does not want although there is room follows the end.
      hasEnded = length === 0 || rest.length > 0
    }
    give()
  } finally {
    inflater.close()
  }
  return `sha256:${hash.digest('hex')}`
}
