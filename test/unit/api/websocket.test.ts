import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex, PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { array, assert as holds, asyncProperty, integer, record, uint8Array } from 'fast-check'
import { WebSocket } from 'ws'
import { FrameReader } from '../../../src/api/websocket/frame-reader.ts'
import { stdcopyFrame } from '../../../src/engine/attach/stdcopy.ts'
import type { AttachContainer } from '../../../src/engine/engine.ts'
import { failing, fakeEngine, text } from './fake-engine.ts'
import { serve } from './serve.ts'

interface Far {
  /** What the client sends. */
  input: PassThrough
  output: PassThrough
  stream: Duplex
  asked: AttachContainer[]
}

async function attachable(t: TestContext, { tty = false }: { tty?: boolean } = {}): Promise<Far & { open: (target: string) => WebSocket; raw: (head: string) => Duplex }> {
  const [input, output, asked] = [new PassThrough(), new PassThrough(), [] as AttachContainer[]]
  const stream = Duplex.from({ writable: input, readable: output })
  // A pair of pipes complains when it is dropped.
  stream.on('error', () => {})
  const attach = async (_ref: string, options: AttachContainer): Promise<{ tty: boolean; stream: Duplex }> => {
    asked.push(options)
    return { tty, stream }
  }
  const api = await serve(t, fakeEngine({ containers: { attach } }))
  return { input, output, stream, asked, raw: api.raw, open: (target) => new WebSocket(`ws+unix:${api.socketPath}:${target}`) }
}

/** All messages until the close frame, and its code. */
function received(client: WebSocket): Promise<{ bytes: string; binary: Set<boolean>; code: number }> {
  const pieces: Buffer[] = []
  const binary = new Set<boolean>()
  client.on('message', (piece: Buffer, isBinary) => {
    pieces.push(piece)
    binary.add(isBinary)
  })
  return once(client, 'close').then(([code]) => ({ bytes: Buffer.concat(pieces).toString(), binary, code: code as number }))
}

void test('a WebSocket carries both directions, without the headers of streams, and closes with 1000 at the end of the output', async (t) => {
  const { open, input, output, asked } = await attachable(t)
  const client = open('/v1.51/containers/c/attach/ws?stream=1&stdin=1&stdout=1&stderr=1&logs=1&detachKeys=ctrl-x')
  const all = received(client)
  await once(client, 'open')
  client.send('as text, ')
  client.send(Buffer.from('as bytes, '))
  client.send('in ', { fin: false })
  client.ping('still there')
  client.send('pieces', { fin: true })
  const [pong] = (await once(client, 'pong')) as [Buffer]
  assert.equal(pong.toString(), 'still there')
  const want = 'as text, as bytes, in pieces'
  let had = ''
  for await (const piece of input) if ((had += String(piece)).length >= want.length) break
  assert.equal(had, want)
  output.write(stdcopyFrame('stdout', Buffer.from('out ')))
  const last = stdcopyFrame('stderr', Buffer.from('and err'))
  output.write(last.subarray(0, 5))
  output.end(last.subarray(5))
  assert.deepEqual(await all, { bytes: 'out and err', binary: new Set([true]), code: 1000 })
  assert.deepEqual(asked, [{ stdin: true, stdout: true, stderr: true, stream: true, logs: true, detachKeys: 'ctrl-x' }])
})

void test('the client\'s close frame is the end of its input; output goes on until its own end', async (t) => {
  const { raw, input, output } = await attachable(t)
  const client = raw('GET /containers/c/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: a, b\r\n\r\n')
  // A masked "Hello" (RFC 6455, section 5.7), then a close frame.
  client.write(Buffer.from('818537fa213d7f9f4d5158', 'hex'))
  client.write(Buffer.from('88820000000003e8', 'hex'))
  assert.equal(await text(input), 'Hello')
  output.end(stdcopyFrame('stdout', Buffer.from('later')))
  const answer = await text(client as PassThrough)
  assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  assert.match(answer, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\nSec-WebSocket-Protocol: a\r\n\r\n/)
  assert.match(answer, /\u{fffd}\u0005later/u)
  client.destroy()
})

void test('without standard input, or with a terminal, a close frame ends the session', async (t) => {
  for (const [query, tty] of [['stream=1&stdout=1', false], ['stream=1&stdout=1&stdin=1', true]] as const) {
    const { open, stream } = await attachable(t, { tty })
    const client = open(`/v1.51/containers/c/attach/ws?${query}`)
    const all = received(client)
    await once(client, 'open')
    const gone = new Promise((resolve) => stream.once('close', resolve))
    client.close()
    await gone
    assert.equal((await all).code, 1000)
  }
})

void test('clients before 1.28 get text frames with whole characters, and before 1.42 all streams', async (t) => {
  const { open, output, asked } = await attachable(t, { tty: true })
  const client = open('/v1.27/containers/c/attach/ws?stream=1')
  const all = received(client)
  await once(client, 'open')
  const bytes = Buffer.from('grün')
  output.write(bytes.subarray(0, 3))
  await new Promise((resolve) => setImmediate(resolve))
  output.end(bytes.subarray(3))
  assert.deepEqual(await all, { bytes: 'grün', binary: new Set([false]), code: 1000 })
  assert.deepEqual(asked.map(({ stdin, stdout, stderr }) => [stdin, stdout, stderr]), [[true, true, true]])
})

void test('what is not a WebSocket request is refused, and so are errors of the engine, before anything is switched', async (t) => {
  const { stream } = await attachable(t)
  const api = await serve(t, fakeEngine({ containers: { attach: async (ref: string) => (ref === 'c' ? { tty: false, stream } : failing('NotFound', `No such container: ${ref}`)()) } }))
  const plain = await api.request('GET', '/containers/c/attach/ws?stream=1')
  assert.deepEqual([plain.status, plain.document()], [400, { message: 'not websocket protocol' }])
  assert.equal(stream.destroyed, true)
  const client = new WebSocket(`ws+unix:${api.socketPath}:/containers/nothing/attach/ws`)
  const [error] = (await once(client, 'error')) as [Error]
  assert.match(error.message, /404/)
})

void test('a frame that breaks the rules closes with 1002', async (t) => {
  const opening = 'GET /containers/c/attach/ws?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  const wrong = { 'not masked': '810548656c6c6f', 'reserved bits': 'c18537fa213d7f9f4d5158', 'unknown kind': '838000000000', 'nothing to continue': '808000000000', 'a ping in pieces': '098000000000' }
  for (const [what, bytes] of Object.entries(wrong)) {
    const { raw } = await attachable(t)
    const client = raw(opening)
    client.write(Buffer.from(bytes, 'hex'))
    const answer = Buffer.concat((await client.toArray()) as Buffer[])
    assert.equal(answer.subarray(-4).toString('hex'), '880203ea', what)
    client.destroy()
  }
})

void test('frames give the same bytes however they are cut', async () => {
  const piece = record({ bytes: uint8Array({ maxLength: 300 }), mask: uint8Array({ minLength: 4, maxLength: 4 }) })
  await holds(
    asyncProperty(array(piece, { maxLength: 8 }), integer({ min: 1, max: 50 }), async (pieces, cut) => {
      const wire = Buffer.concat(pieces.map(({ bytes, mask }) => Buffer.concat([lengthOf(bytes.length), mask, bytes.map((byte, index) => byte ^ mask[index % 4]!)])))
      const reader = new FrameReader({ onPing() {}, onClose() {} })
      const all = reader.toArray()
      for (let at = 0; at < wire.length; at += cut) reader.write(wire.subarray(at, at + cut))
      reader.end()
      assert.deepEqual(Buffer.concat((await all) as Buffer[]), Buffer.concat(pieces.map(({ bytes }) => bytes)))
    }),
    { numRuns: 100 },
  )
})

function lengthOf(length: number): Buffer {
  return length < 126 ? Buffer.from([0x82, 0x80 | length]) : Buffer.from([0x82, 0xfe, length >> 8, length & 0xff])
}
