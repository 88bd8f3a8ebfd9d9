import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fakeEngine } from './fake-engine.ts'
import { serve } from './serve.ts'

const line = fc.constantFrom(
  'GET /_ping HTTP/1.1\r\n', 'POST /containers/create HTTP/1.1\r\n', 'POST /exec/x/start HTTP/1.1\r\n', 'GET /%00%ff HTTP/1.1\r\n',
  'POST /containers/a/attach?stream=1 HTTP/1.1\r\n', 'Host: x\r\n', 'Connection: Upgrade\r\n', 'Upgrade: tcp\r\n', 'Content-Length: 5\r\n',
  'Content-Length: 99999999999\r\n', 'Transfer-Encoding: chunked\r\n', 'Content-Type: application/json\r\n', '\r\n', '\r\n\r\n', 'fffffff\r\n', '5\r\n', '{"a":', 'Expect: 100-continue\r\n',
)
const piece = fc.oneof({ weight: 4, arbitrary: line }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) })

void test('nothing that a client sends stops the server', async (t) => {
  const api = await serve(t, fakeEngine())
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), async (pieces) => {
      const socket = api.raw('')
      socket.resume()
      for (const text of pieces) if (socket.writable) socket.write(Buffer.from(text, 'latin1'))
      socket.end()
      const timer = setTimeout(() => socket.destroy(), 50)
      if (!socket.closed) await once(socket, 'close')
      clearTimeout(timer)
    }),
    { numRuns: 300 },
  )
  assert.equal((await api.request('GET', '/_ping')).body, 'OK')
})

void test('what is not HTTP is answered as Go does', async (t) => {
  const api = await serve(t, fakeEngine())
  const socket = api.raw('hello\r\n\r\n')
  const [reply] = (await once(socket, 'data')) as [Buffer]
  assert.match(reply.toString(), /^HTTP\/1\.1 400 Bad Request\r\n[^]*400 Bad Request$/)
})
