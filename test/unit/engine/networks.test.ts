import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Events, Filters } from '../../../src/engine/engine.ts'
import { createNetworks } from '../../../src/engine/networks.ts'
import type { NetworkMembers } from '../../../src/engine/networks.ts'
import { GantryError } from '../../../src/lib/errors.ts'
import type { Endpoint, NetworkInfo, NetworkService } from '../../../src/net/contract.ts'

const bridge: NetworkInfo = {
  id: 'b'.repeat(64), name: 'bridge', driver: 'bridge', scope: 'local', created: '2024-01-01T00:00:00Z', internal: false, attachable: false,
  enableIPv4: true, enableIPv6: false, ipam: { driver: 'default', options: null, config: [{ subnet: '172.17.0.0/16', gateway: '172.17.0.1' }] },
  options: { 'com.docker.network.driver.mtu': '1500' }, labels: {},
}
const none: NetworkInfo = { ...bridge, id: 'c'.repeat(64), name: 'none', driver: 'null', ipam: { driver: 'default', options: null, config: [] }, options: {}, labels: { a: 'b' } }
const endpoint: Endpoint = {
  id: 'e1', networkId: bridge.id, containerId: 'c1', containerName: 'web', ipv4: '172.17.0.2', prefix: 16, gateway: '172.17.0.1', ipv6: 'fd00::2', prefix6: 64, gateway6: 'fd00::1',
  mac: '02:42:ac:11:00:02', hostInterface: 'veth1', containerInterface: 'eth0', gwPriority: 0, dnsNames: [], links: [], ports: {},
}

const service = {
  list: () => [bridge, none],
  get: (ref: string) => [bridge, none].find(({ id, name }) => name === ref || id.startsWith(ref)) ?? missing(ref),
  endpoints: (id: string) => (id === bridge.id ? [endpoint] : []),
} as unknown as NetworkService

function missing(ref: string): never {
  throw new GantryError('NotFound', `network ${ref} not found`)
}

const emitted: string[] = []
const events: Events = {
  emit: (type, action, { Attributes }) => void emitted.push(`${type} ${action} ${Attributes['name'] ?? ''}`),
  stream: () => {
    throw new Error('nobody listens here')
  },
}
const members: NetworkMembers = { connect: async () => {}, forget: async () => false, disconnect: async () => Promise.reject(new GantryError('NotFound', 'No such container: gone')) }
const networks = createNetworks({ service, events, members })

void test('inspect has every key of a network, and its containers', async () => {
  const document = await networks.inspect('bridge', { verbose: false })
  for (const key of ['Name', 'Id', 'Created', 'Scope', 'Driver', 'EnableIPv6', 'IPAM', 'Internal', 'Attachable', 'Ingress', 'ConfigFrom', 'ConfigOnly', 'Containers', 'Options', 'Labels']) {
    assert(key in document, key)
  }
  assert.deepEqual(document['IPAM'], { Driver: 'default', Options: null, Config: [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }] })
  assert.deepEqual(document['Containers'], {
    c1: { Name: 'web', EndpointID: 'e1', MacAddress: '02:42:ac:11:00:02', IPv4Address: '172.17.0.2/16', IPv6Address: 'fd00::2/64' },
  })
})

void test('a network of another scope is not found', async () => {
  await assert.rejects(networks.inspect('bridge', { verbose: false, scope: 'swarm' }), { kind: 'NotFound' })
})

const lists: [Record<string, string[]>, string[]][] = [
  [{}, ['bridge', 'none']],
  [{ driver: ['null'] }, ['none']],
  [{ name: ['rid'] }, ['bridge']],
  [{ id: ['ccc'] }, ['none']],
  [{ label: ['a=b'] }, ['none']],
  [{ type: ['custom'] }, []],
  [{ type: ['builtin'] }, ['bridge', 'none']],
  [{ scope: ['swarm'] }, []],
  [{ dangling: ['true'] }, []],
]
for (const [wanted, names] of lists) {
  void test(`networks filtered by ${JSON.stringify(wanted)} are ${names.join(', ') || 'none'}`, async () => {
    const filters: Filters = new Map(Object.entries(wanted).map(([key, values]) => [key, new Set(values)]))
    assert.deepEqual((await networks.list(filters)).map(({ Name }) => Name), names)
  })
}

void test('unknown filters are refused', async () => {
  await assert.rejects(networks.list(new Map([['colour', new Set(['red'])]])), { kind: 'InvalidParameter', message: "invalid filter 'colour'" })
})
