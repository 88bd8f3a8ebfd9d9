import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { framed, MessageReader } from '../../../src/net/dns/tcp-messages.ts'
import { answer } from '../../unit/net/dns/messages.ts'

/**
 * A name server to run inside a network namespace: `ADDRESS ANSWER` answers every question over UDP and TCP with that IPv4 address,
 * "silent" none, a number with that failure. "many.test" has a hundred addresses. Says "ready", then the bytes of each name asked for.
 */
const [address = '', behaviour = ''] = process.argv.slice(2)

function reply(packet: Buffer, limit: number): Buffer | undefined {
  const name = packet.toString('latin1', 13, packet.indexOf(0, 12)).replaceAll(/[\0-\x1f]/g, '.')
  console.log(name)
  if (behaviour === 'silent') return undefined
  if (/^\d+$/.test(behaviour)) return answer(packet, { code: Number(behaviour) })
  const whole = answer(packet, { addresses: name === 'many.test' ? Array.from({ length: 100 }, (_, number) => `10.9.9.${number}`) : [behaviour] })
  if (whole.length <= limit) return whole
  const short = answer(packet)
  short.writeUInt16BE(short.readUInt16BE(2) | 0x200, 2)
  return short
}

const udp = createSocket('udp4')
udp.on('message', (packet, from) => {
  const made = reply(packet, 512)
  if (made !== undefined) udp.send(made, from.port, from.address)
})
const tcp = createServer((socket) => {
  const reader = new MessageReader()
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    for (const packet of reader.add(chunk)) {
      const made = reply(packet, 0xffff)
      if (made !== undefined) socket.write(framed(made))
    }
  })
})
udp.bind(53, address, () => tcp.listen(53, address, () => console.log('ready')))
