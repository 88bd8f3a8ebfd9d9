import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { framed, MessageReader } from '../../../src/net/dns/tcp-messages.ts'
import { question, read } from '../../unit/net/dns/messages.ts'

/**
 * Asks the resolver at 127.0.0.11 from inside a network namespace: `udp|tcp NAME[/TYPE[/UDP-SIZE]]...`, prints each answer as a line
 * of JSON, or "silence". `raw HEX` sends bytes over UDP; `half HEX` over TCP, then ends its half.
 */
const [mode = '', ...names] = process.argv.slice(2)
const server = '127.0.0.11'

const packets = mode === 'raw' || mode === 'half'
  ? names.map((hex) => Buffer.from(hex, 'hex'))
  : names.map((text, at) => {
      const [name = '', type = '1', udpSize] = text.split('/')
      return question(name, { id: at + 1, type: Number(type), ...(udpSize === undefined ? {} : { udpSize: Number(udpSize) }) })
    })
let missing = packets.length
const take = (reply: Buffer): void => {
  console.log(JSON.stringify(read(reply)))
  if (--missing === 0) process.exit(0)
}
setTimeout(() => {
  console.log('silence')
  process.exit(0)
}, mode === 'raw' ? 500 : 6000)

if (mode === 'udp' || mode === 'raw') {
  const socket = createSocket('udp4')
  socket.on('message', take)
  socket.on('error', () => process.exit(0))
  socket.connect(53, server, () => packets.forEach((packet) => socket.send(packet)))
} else {
  const reader = new MessageReader()
  const socket = connect({ host: server, port: 53, allowHalfOpen: true }, () => {
    socket.write(Buffer.concat(mode === 'half' ? packets : packets.map(framed)))
    if (mode === 'half') socket.end()
  })
  socket.on('data', (chunk: Buffer) => reader.add(chunk).forEach(take))
  socket.on('error', () => {})
  socket.on('close', () => {
    console.log('closed')
    process.exit(0)
  })
}
