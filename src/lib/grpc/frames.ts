import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { GrpcError } from './status.ts'

/** Bytes of one message at most: what BuildKit's peers allow. */
const maxMessageBytes = 16 * 1024 * 1024
const headBytes = 5

/** Length-prefixed messages of a stream. Source: gRPC over HTTP2, "Requests". */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const parts: Buffer[] = []
  let size = 0
  let need = headBytes
  for await (const chunk of source) {
    parts.push(chunk)
    size += chunk.length
    if (size < need) continue
    let bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts, size)
    parts.length = 0
    need = headBytes
    while (bytes.length >= headBytes) {
      const length = bytes.readUInt32BE(1)
      if (bytes[0] !== 0) throw new GrpcError(12, 'compressed messages are not supported')
      if (length > maxMessageBytes) throw new GrpcError(8, `received message larger than max (${length} vs. ${maxMessageBytes})`)
      need = headBytes + length
      if (bytes.length < need) break
      yield bytes.subarray(headBytes, need)
      bytes = bytes.subarray(need)
      need = headBytes
    }
    size = bytes.length
    if (size > 0) parts.push(bytes)
  }
  if (size > 0) throw new GrpcError(13, 'the stream ended inside of a message')
}

/** Writes one message; settles when the peer keeps up. False: there is no peer any more. */
export async function writeFrame(stream: Duplex, body: Uint8Array): Promise<boolean> {
  if (stream.destroyed || stream.writableEnded) return false
  const frame = Buffer.allocUnsafe(headBytes + body.length)
  frame[0] = 0
  frame.writeUInt32BE(body.length, 1)
  frame.set(body, headBytes)
  // What is written in one go is sent in one go.
  if (stream.writableCorked === 0) {
    stream.cork()
    setImmediate(() => stream.uncork())
  }
  if (stream.write(frame)) return true
  const stop = new AbortController()
  try {
    await Promise.race([once(stream, 'drain', { signal: stop.signal }), once(stream, 'close', { signal: stop.signal })])
  } catch {
    return false
  } finally {
    stop.abort()
  }
  return !stream.destroyed
}
