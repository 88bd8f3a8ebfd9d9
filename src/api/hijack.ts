import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AttachSession } from '../engine/engine.ts'

/** How long a client may take to close its side after all output has been sent. */
const lingerMilliseconds = 10_000

export interface Hijack {
  socket: Duplex
  response: ServerResponse
  session: AttachSession
  /** The client asked with `Upgrade`, and gets 101 for it. */
  upgrade: boolean
  minor: number
}

/**
 * Takes the connection from HTTP and joins it to a session: what the client sends goes to the session, and back, each side
 * at the pace of the other, and each direction ends by itself.
 */
export function hijack(options: Hijack): void {
  const { socket, response, session } = options
  response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0])
  if (!options.upgrade) detachParser(socket)
  socket.write(statusHead(options))
  join(socket, session.stream)
}

/** API 1.42 tells framed from raw streams by the content type; without an upgrade it is always raw-stream. */
function statusHead({ response, session, upgrade, minor }: Hijack): string {
  const multiplexed = upgrade && !session.tty && minor >= 42
  const lines = [
    upgrade ? 'HTTP/1.1 101 UPGRADED' : 'HTTP/1.1 200 OK',
    `Content-Type: application/vnd.docker.${multiplexed ? 'multiplexed-stream' : 'raw-stream'}`,
    ...(upgrade ? ['Connection: Upgrade', 'Upgrade: tcp'] : []),
    ...Object.entries(response.getHeaders()).map(([name, value]) => `${name}: ${String(value)}`),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** For a request without `Upgrade`, node:http would go on to parse the client's bytes as the next request. */
function detachParser(socket: Duplex): void {
  // Adding a listener makes node:http give the descriptor back from its parser to the stream.
  socket.on('data', ignore)
  for (const event of ['data', 'end', 'close', 'drain', 'timeout']) socket.removeAllListeners(event)
  socket.pause()
}

function join(socket: Duplex, session: Duplex): void {
  socket.on('error', ignore)
  session.on('error', ignore)
  socket.on('close', () => session.destroy())
  session.once('end', () => finish(socket, session))
  session.once('close', () => finish(socket, session))
  socket.pipe(session)
  session.pipe(socket)
}

/** Output is complete: closing at once, with input unread, would reset the connection under the client's last bytes. */
function finish(socket: Duplex, session: Duplex): void {
  if (socket.destroyed || socket.writableEnded) return
  socket.unpipe(session)
  socket.resume()
  socket.end()
  const timer = setTimeout(() => socket.destroy(), lingerMilliseconds).unref()
  socket.once('close', () => clearTimeout(timer))
}

function ignore(): void {}
