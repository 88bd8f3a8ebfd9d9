import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { isIPv6, Socket } from 'node:net'
import { MessageReader, framed } from './tcp-messages.ts'
import { isReplyTo, withId } from './wire.ts'
import type { Query } from './wire.ts'

/** Where sockets to a name server are opened. */
export interface SocketSource {
  udp(family: 4 | 6): UdpSocket
  tcp(family: 4 | 6): Socket
}

/** The namespace of this process. */
export const hostSockets: SocketSource = {
  udp: (family) => createSocket({ type: family === 4 ? 'udp4' : 'udp6', lookup: (host, _options, found) => found(null, host, family) }),
  tcp: () => new Socket(),
}

export interface Exchange {
  query: Query
  packet: Buffer
  server: { address: string; port: number }
  sockets: SocketSource
  signal: AbortSignal
}

/** Milliseconds after which a datagram is sent again. */
const repeats = [1000, 2000]

/**
 * Asks one server over UDP, from a port and under an id that nobody can guess. Ends by `signal` alone if the server is silent.
 * @throws Error when the server refuses, or at `signal`
 */
export function askByUdp({ query, packet, server, sockets, signal }: Exchange): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const id = randomInt(0x10000)
    const question = withId(packet, id)
    const socket = sockets.udp(isIPv6(server.address) ? 6 : 4)
    const timers: NodeJS.Timeout[] = []
    const release = (): void => {
      for (const timer of timers) clearTimeout(timer)
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.close()
    }
    const { answer, fail } = endings({ signal, release, resolve, reject })
    if (signal.aborted) return
    socket.on('error', fail)
    socket.on('message', (reply) => {
      if (isReplyTo(query, id, reply)) answer(withId(reply, query.id))
    })
    const send = (): void => socket.send(question, (error) => {
      if (error !== null) socket.emit('error', error)
    })
    socket.once('connect', () => {
      send()
      timers.push(...repeats.map((pause) => setTimeout(send, pause)))
    })
    // Connected, the kernel drops what others send, and tells when nobody listens there.
    socket.connect(server.port, server.address)
  })
}

/** The same over TCP. */
export function askByTcp({ query, packet, server, sockets, signal }: Exchange): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const id = randomInt(0x10000)
    const socket = sockets.tcp(isIPv6(server.address) ? 6 : 4)
    const reader = new MessageReader()
    const { answer, fail } = endings({ signal, release: () => socket.destroy(), resolve, reject })
    if (signal.aborted) return
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the server closed the connection')))
    socket.on('data', (chunk: Buffer) => {
      for (const reply of reader.add(chunk)) {
        if (!isReplyTo(query, id, reply)) continue
        answer(withId(reply, query.id))
        return
      }
    })
    socket.connect({ host: server.address, port: server.port }, () => socket.write(framed(withId(packet, id))))
  })
}

interface Endings {
  answer: (reply: Buffer) => void
  fail: (error: Error) => void
}

/** How an exchange ends, also at `signal`; what it holds is released first. */
function endings({ signal, release, resolve, reject }: { signal: AbortSignal; release: () => void; resolve: (reply: Buffer) => void; reject: (error: Error) => void }): Endings {
  const end = (settle: () => void): void => {
    signal.removeEventListener('abort', give)
    release()
    settle()
  }
  const fail = (error: Error): void => end(() => reject(error))
  const give = (): void => fail(new Error('no answer'))
  if (signal.aborted) give()
  else signal.addEventListener('abort', give)
  return { answer: (reply) => end(() => resolve(reply)), fail }
}
