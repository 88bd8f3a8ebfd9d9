import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { after, describe, it } from 'node:test'
import { Forwarder } from '../../../../src/net/dns/forwarder.ts'
import type { Asker } from '../../../../src/net/dns/forwarder.ts'
import { hostSockets } from '../../../../src/net/dns/exchange.ts'
import { ServerHealth } from '../../../../src/net/dns/server-health.ts'
import { framed, MessageReader } from '../../../../src/net/dns/tcp-messages.ts'
import { isQuery, readQuery } from '../../../../src/net/dns/wire.ts'
import { answer, question, read } from './messages.ts'

const port = 20_000 + (process.pid % 10_000)
const open: (Socket | Server)[] = []
after(() => {
  for (const one of open) one.close()
})

type Behaviour = (packet: Buffer) => Buffer | undefined

/** A name server on an address of its own. It counts what it is asked. */
async function server(address: string, behave: Behaviour): Promise<{ asked: number; behave: Behaviour }> {
  const state = { asked: 0, behave }
  const udp = createSocket('udp4')
  udp.on('message', (packet, from) => {
    state.asked++
    const reply = state.behave(packet)
    if (reply !== undefined) udp.send(reply, from.port, from.address)
  })
  await new Promise<void>((resolve) => udp.bind(port, address, resolve))
  const tcp = createServer((socket) => {
    const reader = new MessageReader()
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      for (const packet of reader.add(chunk)) {
        state.asked++
        const reply = state.behave(packet)
        if (reply !== undefined) socket.write(framed(reply))
      }
    })
  })
  await new Promise<void>((resolve) => tcp.listen(port, address, resolve))
  open.push(udp, tcp)
  return state
}

const says = (...addresses: string[]): Behaviour => (packet) => answer(packet, { addresses })
const fails = (code: number): Behaviour => (packet) => answer(packet, { code })
const silent: Behaviour = () => undefined
const answersAnother: Behaviour = (packet) => answer(question('other.example', { id: packet.readUInt16BE(0) }), { addresses: ['6.6.6.6'] })

function forwarding(): { ask: (servers: string[], transport?: 'udp' | 'tcp') => Promise<{ addresses: string[]; code: number; id: number; ms: number } | undefined>; gone: AbortController } {
  const gone = new AbortController()
  const forwarder = new Forwarder({ sockets: hostSockets, port })
  const asker: Asker = { pending: 0, sockets: hostSockets, health: new ServerHealth(), gone: gone.signal }
  return {
    gone,
    async ask(servers, transport = 'udp') {
      const packet = question('name.example')
      const query = readQuery(packet)
      assert.ok(isQuery(query))
      const begin = performance.now()
      const reply = await forwarder.forward({ query, packet, transport, asker, servers: servers.map((address) => ({ address, fromHost: true })) })
      assert.equal(asker.pending, 0)
      return reply === undefined ? undefined : { ...read(reply), ms: performance.now() - begin }
    },
  }
}

void describe('forwarding', { concurrency: false }, () => {
  void it('asks the first server, over either transport, and gives the asker its id back', async () => {
    const [first, second] = [await server('127.7.1.1', says('1.1.1.1')), await server('127.7.1.2', says('2.2.2.2'))]
    const { ask } = forwarding()
    for (const transport of ['udp', 'tcp'] as const) {
      const reply = await ask(['127.7.1.1', '127.7.1.2'], transport)
      assert.deepEqual([reply?.addresses, reply?.id], [['1.1.1.1'], 0x1234])
    }
    assert.deepEqual([first.asked, second.asked], [2, 0])
  })

  void it('asks the next when one is silent, and from then on that one first', async () => {
    const dead = await server('127.7.2.1', silent)
    await server('127.7.2.2', says('2.2.2.2'))
    for (const transport of ['udp', 'tcp'] as const) {
      const { ask } = forwarding()
      dead.asked = 0
      assert.deepEqual((await ask(['127.7.2.1', '127.7.2.2'], transport))?.addresses, ['2.2.2.2'])
      assert.equal(dead.asked, 1)
      for (let number = 0; number < 5; number++) await ask(['127.7.2.1', '127.7.2.2'], transport)
      assert.equal(dead.asked, 1)
    }
  })

  void it('asks the next at once when nobody listens, or a server fails or refuses', async () => {
    await server('127.7.3.1', fails(2))
    await server('127.7.3.2', fails(5))
    await server('127.7.3.4', says('4.4.4.4'))
    for (const transport of ['udp', 'tcp'] as const) {
      assert.deepEqual((await forwarding().ask(['127.7.3.1', '127.7.3.2', '127.7.3.3', '127.7.3.4'], transport))?.addresses, ['4.4.4.4'])
    }
  })

  void it('takes "no such name" for an answer, and a failure when there is no better one', async () => {
    await server('127.7.4.1', fails(3))
    const second = await server('127.7.4.2', says('2.2.2.2'))
    assert.equal((await forwarding().ask(['127.7.4.1', '127.7.4.2']))?.code, 3)
    assert.equal(second.asked, 0)
    await server('127.7.4.3', fails(5))
    assert.equal((await forwarding().ask(['127.7.4.3', '127.7.4.4']))?.code, 5)
  })

  void it('has no answer when there is no server, or none that answers', async () => {
    assert.equal(await forwarding().ask([]), undefined)
    assert.equal(await forwarding().ask(['127.7.5.1', '127.7.5.2']), undefined)
    const stubborn = await server('127.7.5.3', silent)
    assert.equal(await forwarding().ask(['127.7.5.3']), undefined)
    assert.equal(stubborn.asked, 3, 'a datagram can be lost: it is sent again')
  })

  void it('hears only what answers its question', async () => {
    const state = await server('127.7.6.1', answersAnother)
    const udp = open.at(-2) as Socket
    udp.on('message', (packet, from) => {
      udp.send(answer(packet, { addresses: ['7.7.7.7'] }).fill(packet[0] === 0 ? 1 : 0, 0, 1), from.port, from.address)
      udp.send(answer(packet, { addresses: ['1.1.1.1'] }), from.port, from.address)
    })
    assert.deepEqual((await forwarding().ask(['127.7.6.1']))?.addresses, ['1.1.1.1'])
    assert.equal(state.asked, 1)
  })

  void it('ends with the container', async () => {
    await server('127.7.7.1', silent)
    const { ask, gone } = forwarding()
    const asking = ask(['127.7.7.1'])
    gone.abort()
    assert.equal(await asking, undefined)
  })

  void it('does no more than so much for one container', async () => {
    const slow = await server('127.7.8.1', silent)
    const forwarder = new Forwarder({ sockets: hostSockets, port })
    const gone = new AbortController()
    const asker: Asker = { pending: 0, sockets: hostSockets, health: new ServerHealth(), gone: gone.signal }
    const packet = question('name.example')
    const query = readQuery(packet)
    assert.ok(isQuery(query))
    const many = Array.from({ length: 300 }, () => forwarder.forward({ query, packet, transport: 'udp', asker, servers: [{ address: '127.7.8.1', fromHost: true }] }))
    assert.equal(asker.pending, 256)
    gone.abort()
    await Promise.all(many)
    assert.equal(asker.pending, 0)
    assert.ok(slow.asked <= 256)
  })
})

void describe('the health of servers', () => {
  void it('is bad for a while after a failure, then doubtful until an answer', () => {
    let now = 0
    const health = new ServerHealth(() => now)
    const one = { address: '10.0.0.1', fromHost: true }
    const two = { address: '10.0.0.2', fromHost: true }
    const order = (): string[] => ServerHealth.order([one, two], (server) => health.stateOf(server, 'udp')).map(({ address }) => address)
    assert.deepEqual(order(), ['10.0.0.1', '10.0.0.2'])
    health.failed(one, 'udp')
    assert.equal(health.stateOf(one, 'tcp'), 'good')
    assert.deepEqual(order(), ['10.0.0.2', '10.0.0.1'])
    now = 60_000
    assert.equal(health.stateOf(one, 'udp'), 'doubtful')
    assert.deepEqual(order(), ['10.0.0.1', '10.0.0.2'])
    health.answered(one, 'udp')
    assert.equal(health.stateOf(one, 'udp'), 'good')
  })
})
