import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Forwarder, ForwardRule } from './rule.ts'

/** Forwards connections. Each side may end its half alone; a slow reader slows down the writer; an abort is passed on. */
export async function forwardTcp(rule: ForwardRule, listenFd?: number): Promise<Forwarder> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    const target = connect({ host: rule.containerIp, port: rule.containerPort, allowHalfOpen: true, noDelay: true })
    for (const [from, to] of [[client, target], [target, client]] as const) {
      open.add(from)
      from.on('error', () => to.resetAndDestroy())
      from.on('close', () => {
        open.delete(from)
        if (!from.readableEnded) to.destroy()
      })
    }
    target.once('connect', () => {
      client.pipe(target)
      target.pipe(client)
      client.resume()
    })
  })
  await listening(server, rule, listenFd)
  return {
    close: () => {
      for (const socket of open) socket.resetAndDestroy()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}

function listening(server: Server, rule: ForwardRule, listenFd: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      // A shortage of descriptors fails one accept, not the program.
      server.on('error', () => {})
      resolve()
    })
    if (listenFd === undefined) server.listen({ host: rule.hostIp, port: rule.hostPort, ipv6Only: true, backlog: 511 })
    else server.listen({ fd: listenFd })
  })
}
