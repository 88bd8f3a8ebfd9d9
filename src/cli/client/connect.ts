import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { openPipe, type EngineSocket } from './engine-pipe.ts'
import type { EngineAddress } from './host.ts'

/** For requests and answers alone: quicker there than `connectTo`, where it can be. */
export async function connectForRequests(address: EngineAddress): Promise<EngineSocket> {
  return ('socketPath' in address && openPipe(address.socketPath)) || connectTo(address)
}

/** An open connection to the engine. TLS and ssh are loaded when they are needed. */
export async function connectTo(address: EngineAddress): Promise<Socket> {
  if ('ssh' in address) return (await import('./ssh.ts')).connectBySsh(address.ssh)
  if ('socketPath' in address) return connected(connect({ path: address.socketPath, allowHalfOpen: true }), 'connect')
  const plain = connect({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true })
  if (address.tls === undefined) return connected(plain, 'connect')
  await connected(plain, 'connect')
  const { connect: secure } = await import('node:tls')
  const { ca, cert, key, verify } = address.tls
  const name = isIP(address.host) === 0 ? { servername: address.host } : {}
  return connected(secure({ socket: plain, host: address.host, ca, cert, key, rejectUnauthorized: verify, minVersion: 'TLSv1.2', ...name }), 'secureConnect')
}

async function connected(socket: Socket, event: string): Promise<Socket> {
  await once(socket, event)
  return socket
}
