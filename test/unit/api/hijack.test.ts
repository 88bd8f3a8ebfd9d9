import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { Duplex } from 'node:stream'
import { Duplex as DuplexStream } from 'node:stream'
import { test } from 'node:test'
import type { AttachContainer } from '../../../src/engine/engine.ts'
import { failing, fakeEngine, text } from './fake-engine.ts'
import { serve } from './serve.ts'

/** A session whose far side is two pipes. */
function session(): { stream: Duplex; input: PassThrough; output: PassThrough } {
  const input = new PassThrough()
  const output = new PassThrough()
  return { input, output, stream: DuplexStream.from({ writable: input, readable: output }) }
}

const upgrade = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n'

void test('attach answers 101, carries both directions and ends each by itself', async (t) => {
  const { stream, input, output } = session()
  let asked: AttachContainer | undefined
  const attach = async (_ref: string, options: AttachContainer): Promise<{ tty: boolean; stream: Duplex }> => {
    asked = options
    return { tty: false, stream }
  }
  const api = await serve(t, fakeEngine({ containers: { attach } }))
  const client = api.raw(`POST /v1.51/containers/c/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-x HTTP/1.1\r\n${upgrade}Content-Length: 0\r\n\r\nearly `)
  client.end('and late')
  assert.equal(await text(input), 'early and late')
  assert.deepEqual(asked, { stdin: true, stdout: true, stderr: false, stream: true, logs: false, detachKeys: 'ctrl-x' })
  output.end('after the input has ended')
  const received = await text(client)
  assert.match(received, /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/)
  assert.match(received, /\r\n\r\nafter the input has ended$/)
})

void test('terminals and clients before 1.42 get raw-stream', async (t) => {
  for (const [version, tty] of [['1.51', true], ['1.41', false]] as const) {
    const { stream, output } = session()
    const api = await serve(t, fakeEngine({ containers: { attach: async () => ({ tty, stream }) } }))
    const client = api.raw(`POST /v${version}/containers/c/attach?stream=1 HTTP/1.1\r\n${upgrade}\r\n`)
    output.end()
    assert.match(await text(client), /Content-Type: application\/vnd\.docker\.raw-stream\r\n/)
    client.destroy()
  }
})

void test('without Upgrade the answer is 200 and the connection is a duplex all the same', async (t) => {
  const { stream, input, output } = session()
  const api = await serve(t, fakeEngine({ containers: { attach: async () => ({ tty: true, stream }) } }))
  const client = api.raw('POST /containers/c/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
  const [head] = (await once(client, 'data')) as [Buffer]
  assert.match(head.toString(), /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/)
  client.end('GET / not http')
  assert.equal(await text(input), 'GET / not http')
  output.end('bye')
  assert.equal(await text(client), 'bye')
})

const bodies: [string, string][] = [
  ['of a known length', 'Content-Length: 27\r\n\r\n{"Detach":false,"Tty":true}'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n10;x=y\r\n{"Detach":false,\r\nb\r\n"Tty":true}\r\n0\r\nTrailer: 1\r\n\r\n'],
]
for (const [what, body] of bodies) {
  void test(`exec start reads its body ${what} although the connection is upgraded, however it is cut`, async (t) => {
    const { stream, input, output } = session()
    const asked: unknown[] = []
    const start = async (_id: string, options: unknown): Promise<{ tty: boolean; stream: Duplex }> => {
      asked.push(options)
      return { tty: true, stream }
    }
    const api = await serve(t, fakeEngine({ exec: { start } }))
    const request = `POST /exec/e/start HTTP/1.1\r\n${upgrade}Content-Type: application/json\r\n${body}stdin`
    const client = api.raw('')
    client.setNoDelay(true)
    for (const byte of request) {
      client.write(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    client.end()
    assert.equal(await text(input), 'stdin')
    assert.deepEqual(asked, [{ detach: false, tty: true, size: undefined }])
    output.end()
    assert.match(await text(client), /^HTTP\/1\.1 101/)
  })
}

void test('errors before the hijack are ordinary replies', async (t) => {
  const attach = failing('NotFound', 'No such container: c')
  const api = await serve(t, fakeEngine({ containers: { attach } }))
  const received = await text(api.raw(`POST /v1.51/containers/c/attach?stream=1 HTTP/1.1\r\n${upgrade}\r\n`))
  assert.match(received, /^HTTP\/1\.1 404 Not Found\r\n/)
  assert.match(received, /\r\n\r\n\{"message":"No such container: c"\}\n$/)
})

void test('a detached exec answers 200 without a body', async (t) => {
  const api = await serve(t, fakeEngine({ exec: { start: async () => undefined } }))
  const reply = await api.request('POST', '/exec/e/start', { body: '{"Detach":true}' })
  assert.deepEqual([reply.status, reply.body], [200, ''])
})

void test('a client that does not read holds the session back; one that leaves destroys it', async (t) => {
  let produced = 0
  const chunk = Buffer.alloc(64 * 1024)
  const stream = new DuplexStream({
    read() {
      produced += chunk.length
      this.push(chunk)
    },
    write: (_chunk, _encoding, done) => done(),
  })
  const api = await serve(t, fakeEngine({ containers: { attach: async () => ({ tty: true, stream }) } }))
  const client = api.raw(`POST /containers/c/attach?stream=1 HTTP/1.1\r\n${upgrade}\r\n`)
  client.pause()
  await new Promise((resolve) => setTimeout(resolve, 200))
  const afterFirst = produced
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(produced, afterFirst)
  assert(produced < 4 * 1024 * 1024, `${produced} bytes were produced for a client that reads none`)
  client.destroy()
  if (!stream.destroyed) await once(stream, 'close')
})

void test('an Upgrade on any other operation is ignored', async (t) => {
  const api = await serve(t, fakeEngine())
  const reply = await api.request('GET', '/_ping', { headers: { Connection: 'Upgrade', Upgrade: 'h2c' } })
  assert.deepEqual([reply.status, reply.body], [200, 'OK'])
})
