import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { ContainerSummary } from '../../../src/engine/engine.ts'
import { GantryError } from '../../../src/lib/errors.ts'
import { fakeEngine, text } from './fake-engine.ts'
import { serve } from './serve.ts'

async function open(socketPath: string, method: string, path: string): Promise<IncomingMessage> {
  const outgoing = httpRequest({ socketPath, method, path, agent: false })
  outgoing.end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return response
}

void test('wait sends its headers as soon as waiting has begun', async (t) => {
  const exit = Promise.withResolvers<{ StatusCode: number }>()
  const conditions: string[] = []
  const api = await serve(t, fakeEngine({
    containers: {
      wait: (_ref, condition, registered) => {
        conditions.push(condition)
        registered()
        return exit.promise
      },
    },
  }))
  const response = await open(api.socketPath, 'POST', '/v1.51/containers/c/wait?condition=next-exit')
  assert.equal(response.statusCode, 200)
  exit.resolve({ StatusCode: 42 })
  assert.equal(await text(response), '{"StatusCode":42}\n')
  assert.deepEqual(conditions, ['next-exit'])
  assert.equal((await api.request('POST', '/containers/c/wait?condition=soon')).status, 400)
})

void test('events are documents in order, with nanoseconds as an integer', async (t) => {
  const engine = fakeEngine()
  const api = await serve(t, engine)
  const response = await open(api.socketPath, 'GET', `/events?filters=${encodeURIComponent('{"event":["start"]}')}`)
  engine.events.emit('container', 'create', { ID: 'a', Attributes: { image: 'busybox' } })
  engine.events.emit('container', 'start', { ID: 'a', Attributes: { image: 'busybox' } })
  const [line] = (await once(response, 'data')) as [Buffer]
  assert.match(line.toString(), /^\{"status":"start","id":"a","from":"busybox","Type":"container","Action":"start",.*"time":\d+,"timeNano":\d{19}\}\n$/)
  response.destroy()
})

void test('events end at until', async (t) => {
  const engine = fakeEngine()
  engine.events.emit('image', 'tag', { ID: 'i', Attributes: { name: 'x:1' } })
  const api = await serve(t, engine)
  const reply = await api.request('GET', `/events?since=1&until=${Date.now() / 1000}`)
  assert.equal(reply.body.trim().split('\n').length, 1)
  assert.equal((await api.request('GET', '/events?since=20&until=10')).status, 400)
})

void test('logs need a stream and say how they are framed', async (t) => {
  const asked: unknown[] = []
  const logs = async (_ref: string, options: unknown): Promise<{ tty: boolean; stream: Readable }> => {
    asked.push(options)
    return { tty: false, stream: Readable.from([Buffer.from('lines')]) }
  }
  const api = await serve(t, fakeEngine({ containers: { logs } }))
  assert.equal((await api.request('GET', '/containers/c/logs')).status, 400)
  const reply = await api.request('GET', '/containers/c/logs?stdout=1&tail=5&since=1.5&timestamps=1')
  assert.deepEqual([reply.body, reply.headers['content-type']], ['lines', 'application/vnd.docker.multiplexed-stream'])
  assert.deepEqual(asked, [{ stdout: true, stderr: false, follow: false, timestamps: true, details: false, tail: 5, since: 1_500_000_000n, until: undefined }])
})

void test('a client that leaves ends the logs it followed', async (t) => {
  const stream = new Readable({ read() {} })
  const api = await serve(t, fakeEngine({ containers: { logs: async () => ({ tty: true, stream }) } }))
  const response = await open(api.socketPath, 'GET', '/containers/c/logs?stdout=1&follow=1')
  response.destroy()
  await new Promise((resolve) => stream.once('close', resolve))
  assert.deepEqual(api.failures, [])
})

void test('load streams progress, tells a late failure in the stream, and an early one by its status', async (t) => {
  const api = await serve(t, fakeEngine({
    images: {
      load: async (archive, progress) => {
        const name = await text(archive)
        if (name === 'bad') throw new GantryError('InvalidParameter', 'not an archive')
        progress(`Loaded image: ${name}`)
        if (name === 'half') throw new GantryError('System', 'disk full')
      },
    },
  }))
  assert.equal((await api.request('POST', '/images/load?quiet=1', { body: 'x:1' })).body, '{"stream":"Loaded image: x:1\\n"}\n')
  const half = await api.request('POST', '/images/load', { body: 'half' })
  assert.equal(half.body.split('\n')[1], '{"errorDetail":{"message":"disk full"},"error":"disk full"}')
  assert.equal((await api.request('POST', '/images/load', { body: 'bad' })).status, 400)
})

void test('a failing load does not need to read the archive to its end', async (t) => {
  const api = await serve(t, fakeEngine({
    images: {
      load: async (archive) => {
        await once(archive, 'readable')
        archive.destroy()
        throw new GantryError('InvalidParameter', 'not an archive')
      },
    },
  }))
  const reply = await api.request('POST', '/images/load', { body: Buffer.alloc(32 * 1024 * 1024) })
  assert.deepEqual([reply.status, reply.document()], [400, { message: 'not an archive' }])
})

void test('import hands over its tar, reference and changes', async (t) => {
  const asked: unknown[] = []
  const importTar = async (archive: Readable, options: unknown): Promise<string> => {
    asked.push(await text(archive), options)
    return 'sha256:1'
  }
  const api = await serve(t, fakeEngine({ images: { importTar } }))
  const reply = await api.request('POST', '/images/create?fromSrc=-&repo=a%2Fb&tag=1&changes=CMD+x&changes=USER+y&message=m', { body: 'tar' })
  assert.deepEqual(reply.document(), { status: 'sha256:1' })
  assert.deepEqual(asked, ['tar', { reference: 'a/b:1', message: 'm', changes: ['CMD x', 'USER y'], platform: undefined }])
})

void test('pull hands over reference, platform and credentials, and streams progress with its bar', async (t) => {
  const asked: object[] = []
  const api = await serve(t, fakeEngine({
    images: {
      pull: async (request, progress) => {
        asked.push({ ...request, signal: undefined })
        if (request.reference === 'absent:1') throw new GantryError('NotFound', 'manifest unknown')
        progress({ status: 'Pulling fs layer', progressDetail: {}, id: 'abc' })
        progress({ status: 'Downloading', progressDetail: { current: 1500, total: 3000 }, id: 'abc' })
        if (request.reference === 'half:1') throw new GantryError('System', 'reset')
      },
    },
  }))
  const auth = Buffer.from(JSON.stringify({ username: 'me', password: 'ü?>', email: 'x' })).toString('base64url')
  const reply = await api.request('POST', '/images/create?fromImage=a%2Fb&tag=sha256:00&platform=linux%2Farm64', { headers: { 'X-Registry-Auth': auth } })
  assert.equal(
    reply.body,
    '{"status":"Pulling fs layer","progressDetail":{},"id":"abc"}\n' +
      `{"status":"Downloading","progressDetail":{"current":1500,"total":3000},"progress":"[${'='.repeat(25)}>${' '.repeat(25)}]    1.5kB/3kB","id":"abc"}\n`,
  )
  assert.equal((await api.request('POST', '/images/create?fromImage=absent&tag=1')).status, 404)
  assert.equal((await api.request('POST', '/images/create?fromImage=half&tag=1')).body.split('\n')[2], '{"errorDetail":{"message":"reset"},"error":"reset"}')
  await api.request('POST', '/images/create?fromImage=all')
  assert.deepEqual(asked, [
    { reference: 'a/b@sha256:00', allTags: false, platform: 'linux/arm64', credentials: { username: 'me', password: 'ü?>' }, signal: undefined },
    { reference: 'absent:1', allTags: false, platform: undefined, credentials: {}, signal: undefined },
    { reference: 'half:1', allTags: false, platform: undefined, credentials: {}, signal: undefined },
    { reference: 'all', allTags: true, platform: undefined, credentials: {}, signal: undefined },
  ])
  assert.equal((await api.request('POST', '/images/create?fromImage=a&tag=1', { headers: { 'X-Registry-Auth': '!' } })).status, 400)
})

void test('image names have slashes, ports and digests', async (t) => {
  const asked: string[] = []
  const api = await serve(t, fakeEngine({ images: { inspect: async (reference) => (asked.push(reference), { Size: 1 }) } }))
  await api.request('GET', '/v1.43/images/localhost:5000/a/b:1/json')
  await api.request('GET', '/images/localhost%3A5000%2Fa@sha256:00/json')
  assert.deepEqual(asked, ['localhost:5000/a/b:1', 'localhost:5000/a@sha256:00'])
})

void test('rows of images keep what older clients look for', async (t) => {
  const users = ['i', 'j', 'i'].map((ImageID) => ({ ImageID }) as ContainerSummary)
  const api = await serve(t, fakeEngine({ containers: { list: async () => users }, images: { list: async () => [{ Id: 'i', RepoTags: [], RepoDigests: [], Size: 5, Containers: -1 }] } }))
  const rows = async (version: string): Promise<unknown> => JSON.parse((await api.request('GET', `/v${version}/images/json`)).body)
  const row = { Id: 'i', RepoTags: [], RepoDigests: [], Size: 5, Containers: -1 }
  assert.deepEqual(await rows('1.51'), [{ ...row, Containers: 2 }])
  assert.deepEqual(await rows('1.50'), [row])
  assert.deepEqual(await rows('1.43'), [{ ...row, VirtualSize: 5 }])
  assert.deepEqual(await rows('1.42'), [{ ...row, RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'], VirtualSize: 5 }])
})
