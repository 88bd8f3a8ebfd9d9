import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'
import { GantryError } from '../lib/errors.ts'

/** A request that upgrades carries a small JSON document at most. */
const maxBytes = 1024 * 1024

/** Node up to 25 ends the request at an upgrade and leaves its body, undecoded, in `head` and the socket. */
const bodyIsInSocket = Number(process.versions.node.split('.')[0]) < 26

/**
 * The body of a request that asked for an upgrade. Bytes behind the body are put back into `socket`.
 * @throws InvalidParameter for a body that is too large, malformed or cut off
 */
export async function readUpgradeBody(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Readable> {
  if (head.length > 0) socket.unshift(head)
  if (!bodyIsInSocket) return request
  const chunked = request.headers['transfer-encoding']?.toLowerCase().includes('chunked') === true
  const length = Number(request.headers['content-length'] ?? 0)
  if (!chunked && length === 0) return Readable.from([])
  if (length > maxBytes) throw invalid('http: request body too large')
  const split = chunked ? splitChunked : (bytes: Buffer) => splitLength(bytes, length)
  return Readable.from([await take(socket, split)])
}

/** Complete: the body and where it ended. Undefined: more bytes are needed. */
type Split = (bytes: Buffer) => { body: Buffer; end: number } | undefined

function take(socket: Duplex, split: Split): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const stop = (): void => {
      socket.pause()
      socket.off('data', onData)
      socket.off('end', onEnd)
      socket.off('close', onEnd)
    }
    const onEnd = (): void => {
      stop()
      reject(invalid('invalid JSON: unexpected EOF'))
    }
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk])
      try {
        const found = split(received)
        if (found !== undefined) {
          stop()
          if (found.end < received.length) socket.unshift(received.subarray(found.end))
          resolve(found.body)
        } else if (received.length > maxBytes) {
          throw invalid('http: request body too large')
        }
      } catch (error) {
        stop()
        reject(error as Error)
      }
    }
    socket.on('data', onData)
    socket.on('end', onEnd)
    socket.on('close', onEnd)
  })
}

function splitLength(bytes: Buffer, length: number): ReturnType<Split> {
  return bytes.length < length ? undefined : { body: bytes.subarray(0, length), end: length }
}

/** RFC 9112 section 7.1: chunks of "<hex>[;extension]CRLF<bytes>CRLF", a chunk of size 0, trailers, an empty line. */
function splitChunked(bytes: Buffer): ReturnType<Split> {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = /^([0-9a-fA-F]{1,6})(?:[ \t]*;.*)?$/.exec(bytes.toString('latin1', at, lineEnd))?.[1]
    if (size === undefined) throw invalid('invalid byte in chunk length')
    const length = Number.parseInt(size, 16)
    const start = lineEnd + 2
    if (length === 0) return endOfTrailers(bytes, lineEnd, Buffer.concat(parts))
    if (bytes.length < start + length + 2) return undefined
    parts.push(bytes.subarray(start, start + length))
    at = start + length + 2
  }
}

function endOfTrailers(bytes: Buffer, lastSizeLineEnd: number, body: Buffer): ReturnType<Split> {
  const end = bytes.indexOf('\r\n\r\n', lastSizeLineEnd)
  return end < 0 ? undefined : { body, end: end + 4 }
}

function invalid(message: string): GantryError {
  return new GantryError('InvalidParameter', message)
}
