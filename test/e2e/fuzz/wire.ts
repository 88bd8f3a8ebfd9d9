import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A request as bytes, and how they are sent. */
export interface WireRequest {
  head: string
  body: Buffer
  /** How many pieces, with a pause of some milliseconds between them. */
  pieces: number
  /** What happens after `sent` of all bytes (0 to 1): nothing more comes, the client closes its half, or it is gone. */
  cut?: { sent: number; after: 'silence' | 'end' | 'abort' }
}

export interface WireAnswer {
  /** Undefined: the connection ended without an answer. */
  status: number | undefined
  body: string
  /** Nothing came within the time allowed. */
  hung: boolean
}

const pause = 3
/** Milliseconds that a stream which has begun is listened to. */
const listening = 30
/** Of an answer's body no more than this is kept. */
const kept = 100_000

/** Sends one request on a connection of its own. @param patience milliseconds until an answer has to begin */
export async function send(socketPath: string, request: WireRequest, patience: number): Promise<WireAnswer> {
  const { head, body, pieces, cut } = request
  const all = Buffer.concat([Buffer.from(head, 'latin1'), body])
  const bytes = cut === undefined ? all : all.subarray(0, Math.ceil(all.length * cut.sent))
  const socket = connect({ path: socketPath, allowHalfOpen: true })
  let received = Buffer.alloc(0)
  const ended = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  socket.on('data', (chunk: Buffer) => {
    if (received.length < kept) received = Buffer.concat([received, chunk])
    if (complete(received)) ended.resolve()
    if (received.includes('\r\n\r\n')) begun.resolve()
  })
  for (const event of ['error', 'end', 'close']) {
    socket.on(event, () => {
      ended.resolve()
      begun.resolve()
    })
  }
  const size = Math.max(1, Math.ceil(bytes.length / pieces))
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    socket.write(bytes.subarray(at, at + size))
    if (at + size < bytes.length) await sleep(pause)
  }
  if (cut?.after === 'abort') {
    await sleep(pause)
    socket.destroy()
    return { status: undefined, body: '', hung: false }
  }
  if (cut?.after === 'end') socket.end()
  const unfinished = cut?.after === 'silence'
  const hung = !(await within(begun.promise, unfinished ? listening : patience)) && !unfinished
  await within(ended.promise, received.includes('\r\n\r\n') ? listening : 0)
  socket.destroy()
  const text = received.toString('latin1')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1]
  return { status: status === undefined ? undefined : Number(status), body: text.slice(text.indexOf('\r\n\r\n') + 4), hung }
}

/** An answer with a length that has all come. Others are listened to for a while. */
function complete(bytes: Buffer): boolean {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return false
  const head = bytes.toString('latin1', 0, end)
  if (/^HTTP\/1\.[01] (204|304)/.test(head)) return true
  const length = /^content-length: (\d+)/im.exec(head)?.[1]
  return length !== undefined && bytes.length >= end + 4 + Number(length)
}

async function within(settled: Promise<void>, milliseconds: number): Promise<boolean> {
  const aborter = new AbortController()
  const late = sleep(milliseconds, false, { signal: aborter.signal }).catch(() => false)
  try {
    return await Promise.race([settled.then(() => true), late])
  } finally {
    aborter.abort()
  }
}
