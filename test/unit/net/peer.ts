import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

/**
 * A program to run inside a network namespace.
 * `serve PORT...`: answers on TCP and UDP with "<address of the caller> <what it said>". Says "ready".
 * `ask tcp|udp HOST PORT TEXT`: prints the answer; "error CODE" or "silence" when there is none.
 */
const [mode, ...args] = process.argv.slice(2)
if (mode === 'serve') await serve(args.map(Number))
else console.log(await ask(args[0] ?? '', args[1] ?? '', Number(args[2]), args[3] ?? ''))

async function serve(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await new Promise<void>((resolve) => {
      createServer((socket) => {
        socket.on('error', () => {})
        socket.on('data', (data) => socket.end(`${socket.remoteAddress} ${data.toString()}`))
      }).listen(port, '0.0.0.0', resolve)
    })
    await new Promise<void>((resolve) => {
      const socket = createSocket('udp4')
      socket.on('message', (data, from) => socket.send(`${from.address} ${data.toString()}`, from.port, from.address))
      socket.bind(port, '0.0.0.0', resolve)
    })
  }
  console.log('ready')
}

function ask(protocol: string, host: string, port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve('silence')
      setImmediate(() => process.exit(0))
    }, 1000).unref()
    if (protocol === 'udp') {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
      socket.on('error', (error) => resolve(`error ${(error as NodeJS.ErrnoException).code}`))
      socket.on('message', (data) => {
        resolve(data.toString())
        socket.close()
      })
      socket.send(text, port, host)
      return
    }
    let answer = ''
    const socket = connect(port, host, () => socket.write(text))
    socket.on('data', (data) => {
      answer += data.toString()
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', (error) => resolve(`error ${(error as NodeJS.ErrnoException).code}`))
  })
}
