import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket as UdpSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { forwardTcp } from '../../../src/proxy/tcp.ts'
import { forwardUdp } from '../../../src/proxy/udp.ts'
import { eventually } from '../../e2e/harness/eventually.ts'

const host = '127.0.0.1'

async function tcpBehind(answer: (socket: Socket) => void): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer({ allowHalfOpen: true }, answer)
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve)
  })
  const port = await freePort()
  const forwarder = await forwardTcp({ protocol: 'tcp', hostIp: host, hostPort: port, containerIp: host, containerPort: (server.address() as AddressInfo).port })
  return { port, close: async () => {
    await forwarder.close()
    server.close()
  } }
}

async function talk(port: number, say: string): Promise<string> {
  const client = connect({ port, host, allowHalfOpen: true })
  client.end(say)
  let heard = ''
  for await (const piece of client) heard += String(piece)
  return heard
}

function sum(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => {
    probe.listen(0, host, resolve)
  })
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

void describe('forwarding TCP', () => {
  void it('lets each side end its half alone', async () => {
    const { port, close } = await tcpBehind((socket) => {
      let got = ''
      socket.on('data', (data) => {
        got += data.toString()
      })
      socket.on('end', () => setTimeout(() => socket.end(`got ${got}`), 50))
    })
    const client = connect({ port, host, allowHalfOpen: true })
    client.end('all of it')
    let answer = ''
    for await (const chunk of client) answer += String(chunk)
    assert.equal(answer, 'got all of it')
    await close()
  })

  void it('holds a sender back while nobody reads', async () => {
    let target: Socket | undefined
    const { port, close } = await tcpBehind((socket) => {
      socket.pause()
      target = socket
    })
    const client = connect({ port, host })
    const block = Buffer.alloc(1 << 20, 7)
    for (let number = 0; number < 64; number++) client.write(block)
    await sleep(300)
    // 64 MiB were offered; what the kernel's buffers and ours hold is a fraction.
    assert.ok(client.writableLength > 32 << 20, `${client.writableLength} bytes wait`)
    let received = 0
    target?.resume()
    target?.on('data', (data) => {
      received += data.length
    })
    client.end()
    await new Promise((resolve) => target?.on('end', resolve))
    assert.equal(received, 64 << 20)
    target?.end()
    client.resume()
    await new Promise((resolve) => client.once('close', resolve))
    await close()
  })

  void it('carries much in both directions at once, in pieces of any size, and loses no byte', async () => {
    const { port, close } = await tcpBehind((socket) => socket.pipe(socket))
    await Promise.all(Array.from({ length: 8 }, async () => {
      const all = randomBytes(3_000_001)
      const client = connect({ port, host, allowHalfOpen: true })
      void (async () => {
        for (let at = 0, size = 1; at < all.length; at += size, size = (size * 7 + 13) % 90_001 + 1) {
          if (!client.write(all.subarray(at, at + size))) await new Promise((resolve) => client.once('drain', resolve))
        }
        client.end()
      })()
      const back: Buffer[] = []
      for await (const piece of client) back.push(piece as Buffer)
      assert.equal(sum(Buffer.concat(back)), sum(all))
    }))
    await close()
  })

  void it('goes on with a download for a slow reader, also when the pipe is out of slots before it is out of space', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'gantry-proxy-'))
    const all = randomBytes(16_000_000)
    writeFileSync(path.join(folder, 'all'), all)
    const [containerPort, port] = [await freePort(), await freePort()]
    // It sends pages of a file, each a slot of its own.
    const httpd = spawn('/bin/busybox', ['httpd', '-f', '-p', `${host}:${containerPort}`, '-h', folder])
    await eventually(() => new Promise((resolve, reject) => connect({ port: containerPort, host }, resolve as () => void).on('error', reject)))
    const forwarder = await forwardTcp({ protocol: 'tcp', hostIp: host, hostPort: port, containerIp: host, containerPort })
    await Promise.all(Array.from({ length: 6 }, async () => {
      const client = connect({ port, host })
      client.write('GET /all HTTP/1.0\r\n\r\n')
      const heard: Buffer[] = []
      for await (const piece of client) {
        heard.push(piece as Buffer)
        if (heard.length % 16 === 0) await sleep(100)
      }
      assert.equal(sum(Buffer.concat(heard).subarray(-all.length)), sum(all))
    }))
    await forwarder.close()
    httpd.kill()
    rmSync(folder, { recursive: true })
  })

  void it('passes on an end that comes together with the last bytes, from either side', async () => {
    const greeting = await tcpBehind((socket) => socket.on('error', () => {}).end('bye'))
    const echo = await tcpBehind((socket) => socket.pipe(socket))
    for (let round = 0; round < 20; round++) {
      const all = await Promise.all(Array.from({ length: 20 }, (_, at) => Promise.all([talk(greeting.port, ''), talk(echo.port, `${at}`)])))
      assert.deepEqual(all, Array.from({ length: 20 }, (_, at) => ['bye', `${at}`]))
    }
    await Promise.all([greeting.close(), echo.close()])
  })

  void it('says why it cannot listen', async () => {
    const { port, close } = await tcpBehind(() => {})
    await assert.rejects(forwardTcp({ protocol: 'tcp', hostIp: host, hostPort: port, containerIp: host, containerPort: 1 }), { code: 'EADDRINUSE', message: 'listen address already in use' })
    await close()
  })

  void it('passes an abort on, and a refused connection', async () => {
    const { port, close } = await tcpBehind((socket) => {
      socket.on('error', () => {})
      socket.resetAndDestroy()
    })
    await assert.rejects(new Promise((resolve, reject) => {
      connect({ port, host }).on('error', reject).on('end', resolve)
    }), { code: 'ECONNRESET' })
    await close()
    const nobody = await freePort()
    const front = await freePort()
    const forwarder = await forwardTcp({ protocol: 'tcp', hostIp: host, hostPort: front, containerIp: host, containerPort: nobody })
    await assert.rejects(new Promise((resolve, reject) => {
      connect({ port: front, host }).on('error', reject).on('end', resolve)
    }), { code: 'ECONNRESET' })
    await forwarder.close()
  })
})

void describe('forwarding UDP', () => {
  void it('keeps clients apart, and forgets one that is idle', async () => {
    const seen = new Set<number>()
    const server = createSocket('udp4', (data, from) => {
      seen.add(from.port)
      server.send(data, from.port, from.address)
    })
    await new Promise<void>((resolve) => {
      server.bind(0, host, resolve)
    })
    const front = await freePort()
    const forwarder = await forwardUdp({ protocol: 'udp', hostIp: host, hostPort: front, containerIp: host, containerPort: server.address().port }, { idle: 60 })
    const clients = [createSocket('udp4'), createSocket('udp4')]
    const said = await Promise.all(clients.map((client, at) => asked(client, front, `hello ${at}`)))
    assert.deepEqual(said, ['hello 0', 'hello 1'])
    assert.equal(seen.size, 2)
    await asked(clients[0] ?? server, front, 'again')
    assert.equal(seen.size, 2)
    await sleep(200)
    await asked(clients[0] ?? server, front, 'later')
    assert.equal(seen.size, 3)
    await forwarder.close()
    for (const socket of [...clients, server]) socket.close()
  })
})

function asked(client: UdpSocket, port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    client.once('message', (data) => resolve(data.toString()))
    client.send(text, port, host)
  })
}
