import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeEngine } from './fake-engine.ts'
import { serve } from './serve.ts'

void test('every reply tells the API version, the operating system and the server', async (t) => {
  const api = await serve(t, fakeEngine())
  for (const path of ['/_ping', '/v1.24/_ping', '/nothing', '/v1.99/info']) {
    const { headers } = await api.request('GET', path)
    assert.equal(headers['api-version'], '1.51', path)
    assert.equal(headers['ostype'], 'linux')
    assert.equal(headers['docker-experimental'], 'false')
    assert.match(String(headers['server']), /^Gantry\/test/)
  }
})

void test('ping answers OK to GET and only headers to HEAD, and claims no BuildKit', async (t) => {
  const api = await serve(t, fakeEngine())
  const got = await api.request('GET', '/_ping')
  assert.deepEqual([got.status, got.body, got.headers['builder-version']], [200, 'OK', '2'])
  const head = await api.request('HEAD', '/v1.51/_ping')
  assert.deepEqual([head.status, head.body, head.headers['api-version']], [200, '', '1.51'])
})

void test('versions outside the range are refused with the words clients know', async (t) => {
  const api = await serve(t, fakeEngine())
  const tooNew = await api.request('GET', '/v1.99/info')
  assert.equal(tooNew.status, 400)
  assert.deepEqual(tooNew.document(), { message: 'client version 1.99 is too new. Maximum supported API version is 1.51' })
  const tooOld = await api.request('GET', '/v1.23/info')
  assert.equal(tooOld.status, 400)
  assert.deepEqual(tooOld.document(), {
    message: 'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
  })
  for (const path of ['/v1.24/info', '/v1.51/info', '/info']) assert.equal((await api.request('GET', path)).status, 200, path)
})

void test('the version document names the range of API versions, in itself and in the engine component', async (t) => {
  const api = await serve(t, fakeEngine())
  const document = (await api.request('GET', '/version')).document()
  assert.equal(document['ApiVersion'], '1.51')
  assert.equal(document['MinAPIVersion'], '1.24')
  assert.deepEqual((document['Components'] as object[])[0], { Name: 'Engine', Version: '0.1.0', Details: { ApiVersion: '1.51', MinAPIVersion: '1.24' } })
})

void test('what does not exist is "page not found", what is to come says so, and swarm answers as outside a swarm', async (t) => {
  const api = await serve(t, fakeEngine())
  const missing = await api.request('GET', '/v1.51/nothing')
  assert.deepEqual([missing.status, missing.document()], [404, { message: 'page not found' }])
  const wrongMethod = await api.request('DELETE', '/info')
  assert.equal(wrongMethod.status, 404)
  const swarm = await api.request('GET', '/services')
  assert.equal(swarm.status, 503)
  assert.match(String(swarm.document()['message']), /^This node is not a swarm manager\. Use "docker swarm init"/)
  const privileges = await api.request('GET', '/plugins/privileges')
  assert.equal(privileges.status, 501)
})

void test('an escape that is none is a bad request', async (t) => {
  const api = await serve(t, fakeEngine())
  assert.equal((await api.request('GET', '/containers/%zz/json')).status, 400)
})
