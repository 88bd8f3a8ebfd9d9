import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { ListenOptions, Server, Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { dirname } from 'node:path'
import type { Server as HttpServer } from 'node:http'
import { GantryError } from '../lib/errors.ts'
import { activatedSockets } from './activation.ts'
import type { Host } from './hosts.ts'
import { hostText } from './hosts.ts'
import { tlsOptions } from './tls.ts'

export interface Listener {
  host: Host
  /** Stops accepting and removes the socket. */
  close(): void
}

/**
 * Accepts connections for `http` on `host`. A unix socket is root's and the group's (0660); a stale one is replaced, one that
 * answers is not.
 * @throws Conflict when the address is in use
 */
export async function listen(http: HttpServer, host: Host, group: string): Promise<Listener> {
  const accept = (socket: Socket): void => void http.emit('connection', socket)
  const stream = { allowHalfOpen: true, noDelay: true }
  if (host.kind === 'fd') {
    const servers = activatedSockets(host.name).map((fd) => ({ fd, server: createServer(stream, accept) }))
    for (const { fd, server } of servers) await bind(server, { host, target: { fd } })
    return { host, close: () => servers.forEach(({ server }) => server.close()) }
  }
  const server = host.kind === 'tcp' && host.tls !== undefined ? createTlsServer({ ...stream, ...tlsOptions(host.tls) }, accept) : createServer(stream, accept)
  // A client that is not let in is its own concern.
  server.on('tlsClientError', () => {})
  if (host.kind === 'unix') await prepareSocket(host.path)
  const mask = process.umask(0o177)
  try {
    await bind(server, { host, target: host.kind === 'unix' ? { path: host.path } : { host: host.address, port: host.port } })
  } finally {
    process.umask(mask)
  }
  if (host.kind === 'unix') shareWithGroup(host.path, group)
  return { host, close: () => void server.close() }
}

function bind(server: Server, { host, target }: { host: Host; target: ListenOptions | { fd: number } }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'address already in use' : error.message
      reject(new GantryError('Conflict', `cannot listen on ${hostText(host)}: ${reason}`, { cause: error }))
    })
    server.listen(target, () => resolve())
  })
}

async function prepareSocket(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  if (await answers(path)) throw new GantryError('Conflict', `cannot listen on ${path}: address already in use`)
  rmSync(path, { force: true })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

function shareWithGroup(path: string, group: string): void {
  const gid = groupId(group)
  if (gid === undefined) return
  chownSync(path, 0, gid)
  chmodSync(path, 0o660)
}

/** group(5): name:password:gid:members. */
function groupId(group: string): number | undefined {
  if (/^\d+$/.test(group)) return Number(group)
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((candidate) => candidate.startsWith(`${group}:`))
  return line === undefined ? undefined : Number(line.split(':')[2])
}
