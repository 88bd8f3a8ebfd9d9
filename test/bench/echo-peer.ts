import { connect, createServer } from 'node:net'

/**
 * `serve PORT`: echoes on TCP, on every address. `ask HOST PORT CONNECTIONS SECONDS`: sends 64 bytes on each connection, waits for
 * the echo and sends again; prints {"perSecond", "p99"} with p99 in ms.
 */
const [mode, ...args] = process.argv.slice(2)
if (mode === 'serve') createServer({ noDelay: true }, (socket) => socket.on('error', () => {}).on('data', (data) => socket.write(data))).listen(Number(args[0]), '::', () => console.log('ready'))
else console.log(JSON.stringify(await ask(args[0] ?? '', Number(args[1]), { connections: Number(args[2]), seconds: Number(args[3]) })))

async function ask(host: string, port: number, { connections, seconds }: { connections: number; seconds: number }): Promise<{ perSecond: number; p99: number }> {
  const request = Buffer.alloc(64, 7)
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  await Promise.all(Array.from({ length: connections }, () => new Promise<void>((resolve, reject) => {
    let sent = 0
    const socket = connect({ host, port, noDelay: true }, () => send())
    const send = (): void => {
      sent = performance.now()
      socket.write(request)
    }
    let got = 0
    socket.on('error', reject)
    socket.on('data', (data) => {
      got += data.length
      if (got < request.length) return
      got = 0
      const now = performance.now()
      times.push(now - sent)
      if (now < end) send()
      else {
        socket.destroy()
        resolve()
      }
    })
  })))
  times.sort((one, other) => one - other)
  return { perSecond: Math.round(times.length / seconds), p99: times[Math.floor(times.length * 0.99)] ?? 0 }
}
