import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { Datagrams } from './datagrams.ts'

/** @throws GantryError Unavailable for a name that nobody knows */
export async function openUdp({ host, port }: { host: string; port: number }): Promise<Datagrams> {
  const { address, family } = await lookup(host === '' ? '127.0.0.1' : host).catch((error: unknown) => {
    throw new GantryError('Unavailable', `dial udp: lookup ${host}: no such host`, { cause: messageOf(error) })
  })
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  // A port that nobody has is told by ICMP, after the fact: a datagram is not known to arrive.
  socket.on('error', () => {})
  socket.unref()
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        socket.send(bytes, port, address, (error) => (error ? reject(error) : resolve()))
      }),
    close: () => void socket.close(),
  }
}
