import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Forwarder, ForwardRule } from './rule.ts'

const defaultIdle = 90_000

interface Client {
  socket: Socket
  /** Milliseconds, of the last datagram in either direction. */
  lastSeen: number
}

/** Forwards datagrams. Every client has a socket of its own towards the container, until nothing moves for 90 seconds. */
export async function forwardUdp(rule: ForwardRule, options: { listenFd?: number; idle?: number } = {}): Promise<Forwarder> {
  const idle = options.idle ?? defaultIdle
  const clients = new Map<string, Client>()
  const server = createSocket(isIPv6(rule.hostIp) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' })

  const admit = (from: RemoteInfo): Client => {
    const name = `${from.address}/${from.port}`
    const known = clients.get(name)
    if (known !== undefined) return known
    const socket = createSocket(isIPv6(rule.containerIp) ? 'udp6' : 'udp4')
    const client = { socket, lastSeen: Date.now() }
    clients.set(name, client)
    socket.on('message', (data) => {
      client.lastSeen = Date.now()
      server.send(data, from.port, from.address)
    })
    // Nobody listens in the container (yet): the next datagram may find somebody.
    socket.on('error', () => {})
    socket.connect(rule.containerPort, rule.containerIp)
    return client
  }

  server.on('message', (data, from) => {
    const client = admit(from)
    client.lastSeen = Date.now()
    const send = (): void => client.socket.send(data, () => {})
    if (isConnected(client.socket)) send()
    else client.socket.once('connect', send)
  })

  const sweep = setInterval(() => {
    for (const [name, { socket, lastSeen }] of clients) {
      if (Date.now() - lastSeen < idle) continue
      clients.delete(name)
      socket.close()
    }
  }, Math.max(idle / 3, 10)).unref()

  await bound(server, rule, options.listenFd)
  return {
    close: () => {
      clearInterval(sweep)
      for (const { socket } of clients.values()) socket.close()
      clients.clear()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}

function isConnected(socket: Socket): boolean {
  try {
    return socket.remoteAddress().port > 0
  } catch {
    return false
  }
}

function bound(server: Socket, rule: ForwardRule, listenFd: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
    if (listenFd === undefined) server.bind({ address: rule.hostIp, port: rule.hostPort, exclusive: true })
    else server.bind({ fd: listenFd })
  })
}
