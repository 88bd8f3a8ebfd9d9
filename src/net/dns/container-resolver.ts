import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { NetlinkSocket } from '../../kernel/netlink/socket.ts'
import type { ServedContainer } from './control-protocol.ts'
import type { Asker, Forwarder } from './forwarder.ts'
import type { HostServers } from './host-servers.ts'
import type { InnerSockets } from './inner-sockets.ts'
import { localAnswer } from './local-answer.ts'
import type { NamesTable } from './names-table.ts'
import { ServerHealth } from './server-health.ts'
import type { Transport, Upstream } from './server-health.ts'
import { framed, MessageReader } from './tcp-messages.ts'
import { code, isQuery, readQuery, truncated, type, udpLimit, writeRefusal, writeReply } from './wire.ts'
import type { Query } from './wire.ts'

/** Where containers on user-defined networks find their resolver; Docker's address. */
export const resolverAddress = '127.0.0.11'

const limits = { connections: 64, questionsOfOne: 32, idle: 10_000 }

export interface ResolverParts {
  names: NamesTable
  hostServers: HostServers
  forwarder: Forwarder
}

/** The name server of one container. */
export class ContainerResolver {
  settings: ServedContainer
  readonly #parts: ResolverParts
  readonly #inside: InnerSockets
  readonly #asker: Asker
  readonly #udp: UdpSocket
  readonly #tcp: Server
  readonly #rules: NetlinkSocket | undefined
  readonly #connections = new Set<Socket>()
  readonly #gone = new AbortController()

  constructor(settings: ServedContainer, inside: InnerSockets, parts: ResolverParts) {
    this.settings = settings
    this.#parts = parts
    this.#inside = inside
    this.#asker = { pending: 0, sockets: inside, health: new ServerHealth(), gone: this.#gone.signal }
    const sockets = inside.listenAt(resolverAddress)
    this.#rules = sockets.rules
    this.#udp = createSocket('udp4').bind({ fd: sockets.udp })
    this.#udp.on('error', () => {})
    this.#udp.on('message', (packet, from) => {
      void this.#answer(packet, 'udp').then((reply) => {
        if (reply !== undefined && !this.#gone.signal.aborted) this.#udp.send(reply, from.port, from.address, () => {})
      })
    })
    this.#tcp = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#serve(client))
    this.#tcp.maxConnections = limits.connections
    this.#tcp.on('error', () => {})
    this.#tcp.listen({ fd: sockets.tcp })
  }

  close(): void {
    this.#gone.abort()
    for (const connection of this.#connections) connection.destroy()
    this.#udp.close()
    this.#tcp.close()
    this.#rules?.closeApart()
    this.#inside.close()
  }

  #serve(client: Socket): void {
    const reader = new MessageReader()
    let open = 0
    this.#connections.add(client)
    client.setTimeout(limits.idle, () => client.destroy())
    client.on('error', () => {})
    client.on('close', () => this.#connections.delete(client))
    client.on('end', () => {
      if (open === 0) client.end()
    })
    client.on('data', (chunk: Buffer) => {
      for (const packet of reader.add(chunk)) {
        open++
        void this.#answer(packet, 'tcp').then((reply) => {
          open--
          if (open < limits.questionsOfOne) client.resume()
          if (reply === undefined) client.destroy()
          else if (client.writable) client.write(framed(reply))
          if (client.readableEnded && open === 0) client.end()
        })
      }
      if (open >= limits.questionsOfOne) client.pause()
    })
  }

  /** Undefined: no answer. */
  async #answer(packet: Buffer, transport: Transport): Promise<Buffer | undefined> {
    const query = readQuery(packet)
    if (!isQuery(query)) return query.code === undefined ? undefined : writeRefusal(packet, query.code)
    const limit = transport === 'udp' ? udpLimit(query) : 0xffff
    try {
      const answers = localAnswer(query, this.settings.container, this.#parts.names.networksOf(this.settings.container))
      if (answers !== undefined) return writeReply(query, { answers, limit })
      if (this.#keepsToItself(query)) return writeReply(query, {})
      const reply = await this.#parts.forwarder.forward({ query, packet, transport, asker: this.#asker, servers: this.#servers() })
      if (reply === undefined) return writeReply(query, { code: code.failure })
      return reply.length > limit ? truncated(query, reply) : reply
    } catch {
      return writeReply(query, { code: code.failure })
    }
  }

  #keepsToItself({ name, type: ofType }: Query): boolean {
    return this.settings.keepsShortNames && name !== undefined && !name.includes('.') && (ofType === type.a || ofType === type.aaaa)
  }

  #servers(): Upstream[] {
    const { servers, forwards } = this.settings
    if (servers.length > 0) return servers.filter((address) => address !== resolverAddress).map((address) => ({ address, fromHost: false }))
    return forwards ? this.#parts.hostServers.list().map((address) => ({ address, fromHost: true })) : []
  }
}
