import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** Run in the engine's network host: listens by udp or tcp on a port of loopback and prints what arrives, JSON a piece: number of its connection, bytes. */
const [kind, port] = process.argv.slice(2)

const print = (connection: number, bytes: Buffer): void => void process.stdout.write(`${JSON.stringify([connection, bytes.toString('latin1')])}\n`)
let connections = 0
const ready = (): void => void process.stdout.write('"ready"\n')

if (kind === 'udp') {
  const socket = createSocket('udp4')
  socket.on('message', (message) => print(connections++, message))
  socket.bind(Number(port), '127.0.0.1', ready)
} else {
  createServer((socket) => {
    const connection = connections++
    socket.on('data', (bytes: Buffer) => print(connection, bytes)).on('error', () => {})
  }).listen(Number(port), '127.0.0.1', ready)
}
// Ends with the test, however that ends.
process.stdin.on('end', () => process.exit()).resume()
