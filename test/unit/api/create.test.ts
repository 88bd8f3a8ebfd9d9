import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CreateContainer } from '../../../src/engine/engine.ts'
import { GantryError } from '../../../src/lib/errors.ts'
import { fakeEngine } from './fake-engine.ts'
import { serve } from './serve.ts'
import type { Api } from './serve.ts'

async function recordingApi(t: Parameters<typeof serve>[0]): Promise<{ api: Api; created: CreateContainer[] }> {
  const created: CreateContainer[] = []
  const create = async (request: CreateContainer): Promise<{ Id: string; Warnings: string[] }> => {
    created.push(request)
    return { Id: 'abc', Warnings: [] }
  }
  return { created, api: await serve(t, fakeEngine({ containers: { create } })) }
}

void test('a create request reaches the engine as typed parts, keys in any case, null and unknown keys left out', async (t) => {
  const { api, created } = await recordingApi(t)
  const body = JSON.stringify({
    image: 'busybox', Cmd: 'true', ENV: ['A=b'], Volumes: null, Unknown: { a: 1 }, ExposedPorts: { '80/tcp': {} },
    HostConfig: { memory: 67108864, RestartPolicy: { Name: 'no' }, PidsLimit: 0, PortBindings: { '80/tcp': [{ HostPort: '8080' }] } },
    NetworkingConfig: { EndpointsConfig: { bridge: { Aliases: null } } },
  })
  const reply = await api.request('POST', '/v1.51/containers/create?name=web', { body })
  assert.equal(reply.status, 201)
  assert.deepEqual(reply.document(), { Id: 'abc', Warnings: [] })
  assert.deepEqual(created, [
    {
      name: 'web',
      platform: undefined,
      config: { Image: 'busybox', Cmd: ['true'], Env: ['A=b'], ExposedPorts: { '80/tcp': {} } },
      hostConfig: {
        Memory: 67108864,
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
        PortBindings: { '80/tcp': [{ HostPort: '8080' }] },
      },
      networking: { bridge: {} },
    },
  ])
})

void test('a label named __proto__ is a label', async (t) => {
  const { api, created } = await recordingApi(t)
  await api.request('POST', '/containers/create', { body: '{"Image":"x","Labels":{"__proto__":"p"}}' })
  assert.deepEqual(Object.entries(created[0]?.config.Labels ?? {}), [['__proto__', 'p']])
})

void test('older clients mean what was the default then', async (t) => {
  const { api, created } = await recordingApi(t)
  const body = '{"Image":"x","MacAddress":"02:42:ac:11:00:09","HostConfig":{"AutoRemove":true}}'
  await api.request('POST', '/v1.24/containers/create', { body })
  assert.deepEqual(created[0]?.hostConfig, { IpcMode: 'shareable', CgroupnsMode: 'host' })
  assert.deepEqual(created[0]?.networking, { bridge: { MacAddress: '02:42:ac:11:00:09' } })
})

const refused: [string, string, string][] = [
  ['an empty body', '', 'invalid JSON: got EOF while reading request body'],
  ['an empty document', '{}', 'config cannot be empty in order to create a container'],
  ['half a document', '{"Image":', 'invalid JSON: unexpected EOF'],
  ['no JSON', 'hello', "invalid JSON: invalid character 'h' looking for beginning of value"],
  ['two documents', '{"Image":"x"}{}', 'unexpected content after JSON'],
  ['a wrong type', '{"HostConfig":{"Memory":"1g"}}', 'invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.HostConfig.Memory of type int64'],
  ['a fraction', '{"StopTimeout":1.5}', 'invalid JSON: json: cannot unmarshal number 1.5 into Go struct field CreateRequest.StopTimeout of type int64'],
  ['a list', '[]', 'invalid JSON: json: cannot unmarshal array into Go value of type CreateRequest'],
  ['a policy', '{"Image":"x","HostConfig":{"RestartPolicy":{"Name":"never"}}}', "invalid restart policy: unknown policy 'never'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"],
]

for (const [what, body, message] of refused) {
  void test(`create refuses ${what} with 400`, async (t) => {
    const { api, created } = await recordingApi(t)
    const reply = await api.request('POST', '/containers/create', { body })
    assert.deepEqual([reply.status, reply.document()], [400, { message }])
    assert.deepEqual(created, [])
  })
}

void test('a body must say that it is JSON', async (t) => {
  const { api } = await recordingApi(t)
  const reply = await api.request('POST', '/containers/create', { body: '{}', headers: { 'Content-Type': 'text/plain' } })
  assert.deepEqual([reply.status, reply.document()], [400, { message: "unsupported Content-Type header (text/plain): must be 'application/json'" }])
})

void test('a body that is too large is refused, and the reply arrives', async (t) => {
  const { api } = await recordingApi(t)
  const reply = await api.request('POST', '/containers/create', { body: Buffer.alloc(9 * 1024 * 1024, ' ') })
  assert.deepEqual([reply.status, reply.document()], [400, { message: 'http: request body too large' }])
})

void test('kinds of errors become statuses, and only the engine\'s own are reported as failures', async (t) => {
  const kinds = { InvalidParameter: 400, NotFound: 404, Conflict: 409, Forbidden: 403, Unavailable: 503, NotImplemented: 501 } as const
  for (const [kind, status] of Object.entries(kinds)) {
    const start = (): Promise<void> => Promise.reject(new GantryError(kind as keyof typeof kinds, `because ${kind}`))
    const api = await serve(t, fakeEngine({ containers: { start } }))
    const reply = await api.request('POST', '/containers/x/start')
    assert.deepEqual([reply.status, reply.document()], [status, { message: `because ${kind}` }])
    assert.deepEqual(api.failures, [])
  }
  const api = await serve(t, fakeEngine({ containers: { start: () => Promise.reject(new Error('EIO')) } }))
  assert.equal((await api.request('POST', '/containers/x/start')).status, 500)
  assert.equal(api.failures.length, 1)
})

void test('starting what runs answers 304 without a body', async (t) => {
  const api = await serve(t, fakeEngine({ containers: { start: () => Promise.reject(new GantryError('NotModified', '')) } }))
  const reply = await api.request('POST', '/containers/x/start')
  assert.deepEqual([reply.status, reply.body], [304, ''])
})
