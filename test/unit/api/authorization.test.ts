import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { AuthorizationPlugin } from '../../../src/api/authorization.ts'
import type { CreateContainer } from '../../../src/engine/engine.ts'
import { GantryError } from '../../../src/lib/errors.ts'
import { fakeEngine } from './fake-engine.ts'
import { serve } from './serve.ts'

type Question = Record<string, unknown>

/** A plugin that answers by a function, and what it was asked. */
function plugin(name: string, answer: (method: string, question: Question) => Question = () => ({ Allow: true })): AuthorizationPlugin & { asked: [string, Question][] } {
  const asked: [string, Question][] = []
  return {
    name,
    asked,
    require: async (kind) => assert.equal(kind, 'authz'),
    async call(method, question) {
      asked.push([method, question])
      return answer(method, question)
    },
  }
}

function bodyOf(question: Question | undefined, part = 'RequestBody'): string {
  const encoded = question?.[part]
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString() : ''
}

const jsonHead = (type: string): string => `POST /v1.51/containers/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\n`
const chunked = (document: string): string => `Transfer-Encoding: chunked\r\n\r\n${document.length.toString(16)}\r\n${document}\r\n0\r\n\r\n`
const privileged = '{"Image":"x","HostConfig":{"Privileged":true}}'

async function inspect(ref: string): Promise<never> {
  throw new GantryError('NotFound', `No such container: ${ref}`)
}

async function guarded(t: Parameters<typeof serve>[0], ...plugins: AuthorizationPlugin[]) {
  const created: CreateContainer[] = []
  const create = async (request: CreateContainer): Promise<{ Id: string; Warnings: string[] }> => {
    created.push(request)
    return { Id: 'abc', Warnings: [] }
  }
  return { created, api: await serve(t, fakeEngine({ containers: { create, inspect } }), { authorization: () => plugins }) }
}

void test('every plugin sees the request and its answer, without passwords, and the engine the same body', async (t) => {
  const [one, two] = [plugin('one'), plugin('two')]
  const { api, created } = await guarded(t, one, two)
  const reply = await api.request('POST', '/v1.51/containers/create?name=a%20b', { body: privileged, headers: { 'X-Registry-Auth': 'secret', 'X-Other': 'yes' } })
  assert.deepEqual([reply.status, reply.document()], [201, { Id: 'abc', Warnings: [] }])
  assert.equal(created[0]?.hostConfig.Privileged, true)
  assert.deepEqual(one.asked, two.asked)
  const [[method, question], [answered, answer]] = one.asked as [[string, Question], [string, Question]]
  assert.deepEqual([method, answered], ['AuthZPlugin.AuthZReq', 'AuthZPlugin.AuthZRes'])
  assert.deepEqual([question['RequestMethod'], question['RequestUri'], bodyOf(question)], ['POST', '/v1.51/containers/create?name=a%20b', privileged])
  const headers = question['RequestHeaders'] as Record<string, string>
  assert.deepEqual([headers['Content-Type'], headers['X-Other'], headers['X-Registry-Auth'], headers['Host']], ['application/json', 'yes', undefined, undefined])
  assert.deepEqual([answer['RequestUri'], answer['ResponseStatusCode'], bodyOf(answer, 'ResponseBody')], [question['RequestUri'], 201, '{"Id":"abc","Warnings":[]}\n'])
})

void test('who is denied reads by whom and why, the next is not asked, and nothing happens', async (t) => {
  const [one, two] = [plugin('one', () => ({ Allow: false, Msg: 'not today' })), plugin('two')]
  const { api, created } = await guarded(t, one, two)
  const reply = await api.request('POST', '/containers/create', { body: privileged })
  assert.deepEqual([reply.status, reply.document()], [403, { message: 'authorization denied by plugin one: not today' }])
  assert.deepEqual([created, two.asked], [[], []])
})

for (const answer of [{}, { Allow: 'true' }, { Allow: 1 }, { Msg: 'yes' }]) {
  void test(`${JSON.stringify(answer)} is a no`, async (t) => {
    const { api } = await guarded(t, plugin('odd', () => answer))
    assert.equal((await api.request('GET', '/containers/json')).status, 403)
  })
}

void test('a plugin that fails lets nothing pass', async (t) => {
  const { api } = await guarded(t, plugin('ill', () => { throw new GantryError('Unavailable', 'no answer') }))
  const reply = await api.request('GET', '/containers/json')
  assert.deepEqual([reply.status, reply.document()], [500, { message: 'plugin ill failed with error: no answer' }])
})

void test('a document is seen however it is sent, or refused', async (t) => {
  const watcher = plugin('watcher', (method, question) => ({ Allow: method.endsWith('Res') || !bodyOf(question).includes('Privileged'), Msg: 'seen' }))
  const { api, created } = await guarded(t, watcher)
  const seen = '{"message":"authorization denied by plugin watcher: seen"}'
  for (const type of ['application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json;x']) {
    assert.ok((await text(api.raw(jsonHead(type) + chunked(privileged)))).includes(seen), type)
  }
  const upgraded = `${jsonHead('application/json').replace('create', 'x/attach').replace('Connection: close', 'Connection: Upgrade\r\nUpgrade: tcp')}Content-Length: ${privileged.length}\r\n\r\n${privileged}`
  assert.ok((await text(api.raw(upgraded))).includes(seen))
  const padded = `${privileged.slice(0, -1)},"Pad":"${'x'.repeat(1024 * 1024)}"}`
  for (const request of [`Content-Length: ${padded.length}\r\n\r\n${padded}`, chunked(padded)]) {
    assert.match(await text(api.raw(jsonHead('application/json') + request)), /403 Forbidden[^]*"authorization denied: the request's body has more than 1048576 bytes/)
  }
  assert.match(await text(api.raw(`${jsonHead('text/plain')}Content-Length: ${privileged.length}\r\n\r\n${privileged}`)), /unsupported Content-Type/)
  assert.deepEqual(created, [])
})

void test('an address has one spelling', async (t) => {
  const watcher = plugin('watcher', (_method, question) => ({ Allow: !String(question['RequestUri']).startsWith('/v1.51/containers/create'), Msg: 'by address' }))
  const { api, created } = await guarded(t, watcher)
  for (const path of ['/v1.51/containers/create', '/v1.51/containers/cre%61te', '/%761.51/cont%61iners/create?%6eame=x']) {
    assert.equal((await api.request('POST', path, { body: privileged })).status, 403, path)
  }
  assert.deepEqual(created, [])
})

void test('an answer may be kept from the client; a failure is told all the same, and shown', async (t) => {
  const watcher = plugin('watcher', (method) => ({ Allow: method === 'AuthZPlugin.AuthZReq', Msg: 'secret' }))
  const { api } = await guarded(t, watcher)
  assert.deepEqual((await api.request('GET', '/info')).document(), { message: 'authorization denied by plugin watcher: secret' })
  const missing = await api.request('GET', '/containers/nobody/json')
  assert.deepEqual([missing.status, missing.document()], [404, { message: 'No such container: nobody' }])
  assert.equal(watcher.asked.at(-1)?.[1]['ResponseStatusCode'], 404)
})

void test('passwords that are checked are shown to nobody', async (t) => {
  const watcher = plugin('watcher')
  const { api } = await guarded(t, watcher)
  await api.request('POST', '/auth', { body: '{"username":"u","password":"secret"}' })
  assert.ok(watcher.asked.length > 0)
  for (const [, question] of watcher.asked) assert.deepEqual([question['RequestBody'], question['ResponseBody']], [undefined, undefined])
})
