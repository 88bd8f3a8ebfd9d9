import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { isIPv6Text } from '../../lib/ip-address.ts'

/** How long an answer may take, in ms. */
const patience = 1000

export type Outcome = 'connected' | 'refused' | 'answered' | 'no answer' | 'unreachable'

export interface Target {
  protocol: 'tcp' | 'udp'
  address: string
  port: number
}

/** One connection that is closed at once, or one empty datagram. */
export function sendTestPacket(target: Target): Promise<Outcome> {
  return target.protocol === 'tcp' ? sendTcp(target) : sendUdp(target)
}

function sendTcp({ address, port }: Target): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: patience })
    const end = (outcome: Outcome): void => {
      socket.destroy()
      resolve(outcome)
    }
    socket.on('connect', () => end('connected'))
    socket.on('timeout', () => end('no answer'))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable'))
  })
}

function sendUdp({ address, port }: Target): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6Text(address) ? 'udp6' : 'udp4')
    const timer = setTimeout(() => end('no answer'), patience)
    const end = (outcome: Outcome): void => {
      clearTimeout(timer)
      socket.close()
      resolve(outcome)
    }
    socket.on('message', () => end('answered'))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable'))
    socket.connect(port, address, () => socket.send(Buffer.alloc(0)))
  })
}
