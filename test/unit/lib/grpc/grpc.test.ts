import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { GrpcClient } from '../../../../src/lib/grpc/client.ts'
import { readFrames } from '../../../../src/lib/grpc/frames.ts'
import { grpcMethod, serveGrpc } from '../../../../src/lib/grpc/server.ts'
import type { GrpcServices } from '../../../../src/lib/grpc/server.ts'
import { GrpcError } from '../../../../src/lib/grpc/status.ts'
import { GantryError } from '../../../../src/lib/errors.ts'
import { bytes, message, string } from '../../../../src/lib/protobuf/message.ts'

const text = message({ text: string(1), data: bytes(2) })
const types = { request: text, response: text }

async function withPeers(services: GrpcServices, use: (client: GrpcClient) => Promise<void>): Promise<void> {
  const [left, right] = duplexPair()
  const server = serveGrpc(left, services)
  const client = new GrpcClient(right)
  try {
    await use(client)
  } finally {
    client.close()
    server.destroy()
  }
}

void test('a unary call carries its message, its metadata and the answer', async () => {
  const echo = grpcMethod({
    ...types,
    async handle(call) {
      const { text: said } = await call.request()
      return { text: `${said} ${call.metadata['x-list']?.join('|')}` }
    },
  })
  await withPeers({ '/a.B/Echo': echo }, async (client) => {
    const answer = await client.call('/a.B/Echo', types, { text: 'hello' }, { metadata: { 'x-list': ['a', 'b, c'] } })
    assert.equal(answer.text, 'hello a|b, c')
  })
})

void test('both sides of a stream go at once, also with messages of megabytes', async () => {
  const upper = grpcMethod({
    ...types,
    async *handle(call) {
      for await (const { text: said, data } of call.requests) yield { text: said.toUpperCase(), data }
    },
  })
  await withPeers({ '/a.B/Upper': upper }, async (client) => {
    const stream = client.stream('/a.B/Upper', types)
    const big = new Uint8Array(5_000_000).fill(7)
    await stream.send({ text: 'one' })
    assert.equal((await stream.responses.next()).value?.text, 'ONE')
    void stream.send({ text: 'two', data: big })
    const second = (await stream.responses.next()).value
    assert.equal(second?.data.length, big.length)
    stream.end()
    assert.equal((await stream.responses.next()).done, true)
  })
})

void test('failures have code, text and details; unknown methods are named', async () => {
  const fails = grpcMethod({ ...types, handle: () => Promise.reject(new GrpcError(2, 'kaputt: 100% ünsinn\n', { details: [{ typeUrl: 'x/Y+json', value: Buffer.from('{}') }] })) })
  const missing = grpcMethod({ ...types, handle: () => Promise.reject(new GantryError('NotFound', 'no such thing')) })
  await withPeers({ '/a.B/Fails': fails, '/a.B/Missing': missing }, async (client) => {
    await assert.rejects(client.call('/a.B/Fails', types, {}), (error: GrpcError) => {
      assert.equal(error.message, 'kaputt: 100% ünsinn\n')
      assert.deepEqual(error.details.map(({ typeUrl, value }) => [typeUrl, Buffer.from(value).toString()]), [['x/Y+json', '{}']])
      return error.code === 2
    })
    await assert.rejects(client.call('/a.B/Missing', types, {}), { code: 5, kind: 'NotFound' })
    await assert.rejects(client.call('/a.B/Nothing', types, {}), { code: 12, message: 'unknown method Nothing for service a.B' })
    await assert.rejects(client.call('/__proto__', types, {}), { code: 12 })
  })
})

void test('who cancels is heard on the other side, and who leaves fails the calls', async () => {
  const heard = Promise.withResolvers<void>()
  const waits = grpcMethod({
    ...types,
    async *handle(call) {
      yield { text: 'begun' }
      await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()))
      heard.resolve()
    },
  })
  await withPeers({ '/a.B/Waits': waits }, async (client) => {
    const controller = new AbortController()
    const stream = client.stream('/a.B/Waits', types, { signal: controller.signal })
    stream.end()
    assert.equal((await stream.responses.next()).value?.text, 'begun')
    controller.abort()
    await assert.rejects(stream.responses.next(), { code: 1 })
    await heard.promise
    const second = client.stream('/a.B/Waits', types)
    assert.equal((await second.responses.next()).value?.text, 'begun')
    client.close()
    await assert.rejects(second.responses.next(), GrpcError)
    await client.closed
  })
})

void test('frames are cut apart wherever the bytes were', async () => {
  const wire = Buffer.from('000000000268690000000000000000000161', 'hex')
  for (let size = 1; size <= wire.length; size++) {
    const chunks = Array.from({ length: Math.ceil(wire.length / size) }, (_, index) => wire.subarray(index * size, (index + 1) * size))
    const read: string[] = []
    for await (const frame of readFrames(from(chunks))) read.push(frame.toString())
    assert.deepEqual(read, ['hi', '', 'a'])
  }
  await assert.rejects(Array.fromAsync(readFrames(from([wire.subarray(0, 6)]))), /ended inside of a message/)
  await assert.rejects(Array.fromAsync(readFrames(from([Buffer.from('00ffffffff', 'hex')]))), /larger than max/)
})

async function* from(chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}
