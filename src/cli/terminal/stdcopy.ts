import type { Writable } from 'node:stream'
import { once } from 'node:events'

/**
 * Splits the Engine API's multiplexed stream (8-byte header: stream 0-2, three zeros, big-endian length; then the
 * payload) onto stdout and stderr, never reading faster than they take it. Stream 3 is an error of the engine.
 */
export async function demultiplex(
  source: AsyncIterable<Buffer>,
  targets: { stdout: Writable | undefined; stderr: Writable | undefined; head?: Buffer },
): Promise<void> {
  const header = Buffer.alloc(8)
  let headerLength = 0
  let remaining = 0
  let complaint = ''
  // Lines are short: those that follow each other on one stream are written together.
  let parts: Buffer[] = []
  let target: Writable | undefined
  const flush = async () => {
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    parts = []
    if (bytes.length > 0) await write(target, bytes)
  }
  const take = async (chunk: Buffer) => {
    let at = 0
    while (at < chunk.length) {
      if (remaining === 0) {
        const copied = chunk.copy(header, headerLength, at, at + 8 - headerLength)
        headerLength += copied
        at += copied
        if (headerLength < 8) break
        headerLength = 0
        remaining = header.readUInt32BE(4)
        if (header[0]! > 3) throw new Error(`unrecognized stream: ${header[0]}`)
        continue
      }
      const part = chunk.subarray(at, at + remaining)
      at += part.length
      remaining -= part.length
      if (header[0] === 3) {
        complaint += part.toString()
        continue
      }
      const next = header[0] === 2 ? targets.stderr : targets.stdout
      if (next !== target) await flush()
      target = next
      parts.push(part)
    }
    await flush()
  }
  if (targets.head?.length) await take(targets.head)
  for await (const chunk of source) await take(chunk)
  if (complaint) throw new Error(`error from daemon in stream: ${complaint}`)
}

/** Copies a terminal's stream as it is. */
export async function copyRaw(source: AsyncIterable<Buffer>, target: Writable | undefined, head?: Buffer): Promise<void> {
  if (head?.length) await write(target, head)
  for await (const chunk of source) await write(target, chunk)
}

async function write(target: Writable | undefined, part: Buffer): Promise<void> {
  if (target && !target.write(part)) await once(target, 'drain')
}
