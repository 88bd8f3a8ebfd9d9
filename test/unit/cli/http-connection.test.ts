import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EngineClient, readAll } from '../../../src/cli/client/engine-client.ts'

const directory = await mkdtemp(join(tmpdir(), 'gantry-http-'))
const servers: Server[] = []
after(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await rm(directory, { recursive: true })
})

/** A client of an engine that answers with `listener`; the number of connections it got. */
async function engine(listener: RequestListener): Promise<{ client: EngineClient; server: Server; connections: () => number }> {
  const socketPath = join(directory, `${servers.length}.sock`)
  let count = 0
  const server = createServer((request, response) => {
    response.setHeader('api-version', '1.41')
    listener(request, response)
  })
  server.on('connection', () => count++)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return { client: new EngineClient({ shown: `unix://${socketPath}`, socketPath }, {}), server, connections: () => count }
}

void test('the older API version is used, and one connection serves requests that follow each other', async () => {
  const paths: string[] = []
  const { client, connections } = await engine((request, response) => {
    paths.push(`${request.method} ${request.url}`)
    response.end('{"a":1}')
  })
  assert.deepEqual(await client.json('GET', '/x', { query: { all: true, none: undefined, empty: '', names: ['p', 'q r'] } }), { a: 1 })
  assert.deepEqual(await client.json('POST', '/y', { json: { b: 2 } }), { a: 1 })
  assert.deepEqual(paths, ['HEAD /_ping', 'GET /v1.41/x?all=1&names=p&names=q+r', 'POST /v1.41/y'])
  assert.equal(connections(), 1)
  client.close()
})

void test('requests at the same time get a connection each', async () => {
  const { client } = await engine((request, response) => {
    setTimeout(() => response.end(request.url), request.url!.endsWith('slow') ? 100 : 0)
  })
  const answers = await Promise.all([client.text('GET', '/slow'), client.text('GET', '/fast')])
  assert.deepEqual(answers, ['/v1.41/slow', '/v1.41/fast'])
  client.close()
})

void test('chunks are joined, and a streamed body arrives whole', async () => {
  const { client } = await engine((request, response) => {
    if (request.method === 'HEAD') return response.end()
    request.on('data', (chunk: Buffer) => response.write(chunk.toString().toUpperCase()))
    request.on('end', () => response.end('!'))
    return undefined
  })
  const text = await client.text('POST', '/load', { stream: thousandLines() })
  assert.equal(text, `${Array.from({ length: 1000 }, (_, index) => `LINE ${index}\n`).join('')}!`)
  client.close()
})

void test('an error has the engine’s words and status', async () => {
  const { client } = await engine((_request, response) => {
    response.statusCode = _request.method === 'HEAD' ? 200 : 404
    response.end('{"message":"No such container: x"}')
  })
  await assert.rejects(client.text('GET', '/containers/x/json'), { message: 'Error response from daemon: No such container: x', status: 404, exitCode: 1 })
  client.close()
})

void test('a body that ends too early is an error, not a short answer', async () => {
  const { client } = await engine((request, response) => {
    if (request.method === 'HEAD') return response.end()
    response.writeHead(200, { 'content-length': 100 })
    response.write('half')
    setTimeout(() => response.destroy(), 20)
    return undefined
  })
  await assert.rejects(client.text('GET', '/x'))
  client.close()
})

void test('an engine that is not there is reported the way scripts know', async () => {
  const client = new EngineClient({ shown: 'unix:///nonexistent', socketPath: '/nonexistent' }, {})
  await assert.rejects(client.text('GET', '/x'), { message: 'Cannot connect to the Docker daemon at unix:///nonexistent. Is the docker daemon running?' })
})

void test('a hijacked connection carries both ways and can be half closed', async () => {
  const { client, server } = await engine((_request, response) => response.end())
  server.on('upgrade', (request, socket) => {
    assert.equal(request.headers.upgrade, 'tcp')
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ')
    let got = ''
    socket.on('data', (chunk: Buffer) => (got += chunk.toString()))
    socket.on('end', () => socket.end(`late ${got}`))
  })
  const { socket, head } = await client.hijack('/containers/x/attach', { query: { stream: true } })
  socket.end('typed')
  assert.equal(head.toString() + (await readAll(socket)), 'early late typed')
  client.close()
})

async function* thousandLines(): AsyncGenerator<Buffer> {
  for (let index = 0; index < 1000; index++) yield Buffer.from(`line ${index}\n`)
}
