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

/** What the engine is asked for, or the refusal, and the warnings. */
async function asked(t: Parameters<typeof serve>[0], version: string, body: object): Promise<{ request?: CreateContainer; message?: unknown; warnings?: unknown }> {
  const { api, created } = await recordingApi(t)
  const reply = (await api.request('POST', `/v${version}/containers/create`, { body: JSON.stringify({ Image: 'x', ...body }) })).document()
  return created[0] === undefined ? { message: reply['message'] } : { request: created[0], warnings: reply['Warnings'] }
}

void test('read-only mounts cover what is below them since 1.44', async (t) => {
  assert.equal((await asked(t, '1.43', {})).request?.readOnlyNonRecursive, true)
  assert.equal((await asked(t, '1.44', {})).request?.readOnlyNonRecursive, undefined)
})

void test('the MAC address of a container became that of its endpoint with 1.44', async (t) => {
  const [mac, other] = ['02:42:ac:11:00:09', '02:42:ac:11:00:10']
  const endpoint = { HostConfig: { NetworkMode: 'mine' }, NetworkingConfig: { EndpointsConfig: { mine: { MacAddress: mac } } } }
  assert.deepEqual((await asked(t, '1.43', endpoint)).request?.networking, { mine: {} })
  assert.deepEqual((await asked(t, '1.44', endpoint)).request?.networking, { mine: { MacAddress: mac } })
  const both = await asked(t, '1.44', { MacAddress: mac, ...endpoint })
  assert.deepEqual([both.request?.networking, both.warnings], [{ mine: { MacAddress: mac } }, ['The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.']])
  assert.equal((await asked(t, '1.44', { MacAddress: other, ...endpoint })).message, 'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty')
  assert.equal((await asked(t, '1.43', { MacAddress: mac, HostConfig: { NetworkMode: 'host' } })).message, 'conflicting options: mac-address and the network mode')
})

void test('settings of eth0 are moved to the endpoint, and refused since 1.48', async (t) => {
  const body = { HostConfig: { NetworkMode: 'mine', Sysctls: { 'net.ipv4.conf.eth0.log_martians': '1', 'net.ipv4.ip_forward': '0' } }, NetworkingConfig: { EndpointsConfig: { mine: { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=0' } } } } }
  const { request, warnings } = await asked(t, '1.47', body)
  assert.deepEqual(request?.hostConfig.Sysctls, { 'net.ipv4.ip_forward': '0' })
  assert.deepEqual(request?.networking, { mine: { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.log_martians=0' } } })
  assert.deepEqual(warnings, ['Migrated sysctl "net.ipv4.conf.eth0.log_martians" to DriverOpts{"com.docker.network.endpoint.sysctls":"net.ipv4.conf.IFNAME.log_martians=1"}.'])
  assert.equal((await asked(t, '1.48', body)).message, `interface specific sysctl setting "net.ipv4.conf.eth0.log_martians" must be supplied using driver option 'com.docker.network.endpoint.sysctls'`)
  assert.match(String((await asked(t, '1.47', { HostConfig: { Sysctls: { 'net.ipv4.conf.eth1.log_martians': '1' } } })).message), /^unable to determine network endpoint for sysctl net\.ipv4\.conf\.eth1\.log_martians, use driver option/)
})

function mount(options: object): object {
  return { HostConfig: { VolumeDriver: 'local', Mounts: [{ Target: '/t', ...options }] } }
}

void test('options of another type of mount are refused since 1.42, and a driver that they ignore is told since 1.48', async (t) => {
  const wrong = mount({ Type: 'bind', Source: '/s', VolumeOptions: { NoCopy: true } })
  assert.deepEqual((await asked(t, '1.41', wrong)).request?.hostConfig.Mounts, [{ Target: '/t', Type: 'bind', Source: '/s' }])
  assert.equal((await asked(t, '1.42', wrong)).message, 'VolumeOptions must not be specified on mount type "bind"')
  const ignored = "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead"
  assert.deepEqual((await asked(t, '1.48', mount({ Type: 'volume' }))).warnings, [ignored])
  assert.deepEqual((await asked(t, '1.47', mount({ Type: 'volume' }))).warnings, [])
  assert.deepEqual((await asked(t, '1.48', mount({ Type: 'volume', VolumeOptions: { DriverConfig: { Name: 'local' } } }))).warnings, [])
})

void test('which network has the gateway can be said since 1.48', async (t) => {
  const body = { NetworkingConfig: { EndpointsConfig: { bridge: { GwPriority: 5 } } } }
  assert.deepEqual((await asked(t, '1.47', body)).request?.networking, { bridge: {} })
  assert.deepEqual((await asked(t, '1.48', body)).request?.networking, { bridge: { GwPriority: 5 } })
})

void test('a start takes no settings', async (t) => {
  const api = await serve(t, fakeEngine({ containers: { start: async () => {} } }))
  const message = 'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24'
  assert.deepEqual((await api.request('POST', '/containers/x/start', { body: '{"Binds":[]}' })).document(), { message })
  for (const body of ['{}', 'null']) assert.equal((await api.request('POST', '/containers/x/start', { body })).status, 204)
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
