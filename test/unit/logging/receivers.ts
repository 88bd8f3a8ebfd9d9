import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import type { AddressInfo } from 'node:net'

/** What arrived: datagrams, or the bytes of all connections one behind the other. */
export interface Receiver extends AsyncDisposable {
  readonly port: number
  readonly received: Buffer[]
  /** How many were ever made. */
  connections(): number
  /** Ends the connections that are open. */
  hangUp(): void
}

export async function udpReceiver(): Promise<Receiver> {
  const socket = createSocket('udp4')
  const received: Buffer[] = []
  socket.on('message', (message) => received.push(message))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, received, connections: () => 0, hangUp: () => {}, [Symbol.asyncDispose]: async () => void socket.close() }
}

export interface StreamReceiver {
  tls?: TlsOptions
  path?: string
  port?: number
  answer?: (bytes: Buffer) => Buffer | undefined
  /** Takes connections and reads nothing. */
  deaf?: boolean
}

export async function streamReceiver({ tls, path, port = 0, answer, deaf = false }: StreamReceiver = {}): Promise<Receiver> {
  const received: Buffer[] = []
  const sockets = new Set<Socket>()
  const accept = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    if (deaf) return void socket.pause()
    socket.on('data', (bytes: Buffer) => {
      received.push(bytes)
      const reply = answer?.(bytes)
      if (reply !== undefined) socket.write(reply)
    })
  }
  const server: Server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept)
  if (path === undefined) server.listen(port, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  const hangUp = (): void => sockets.forEach((socket) => socket.destroy())
  return {
    port: path === undefined ? (server.address() as AddressInfo).port : 0,
    received,
    connections: () => sockets.size,
    hangUp,
    async [Symbol.asyncDispose]() {
      hangUp()
      server.close()
      await once(server, 'close')
    },
  }
}
