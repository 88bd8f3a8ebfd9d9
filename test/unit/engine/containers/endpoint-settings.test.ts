import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkEndpointSettings, requestedNetworks } from '../../../../src/engine/containers/endpoint-settings.ts'
import type { EndpointSettings } from '../../../../src/engine/types/host-config.ts'
import { GantryError } from '../../../../src/lib/errors.ts'
import type { NetworkInfo, NetworkService, SubnetInfo } from '../../../../src/net/contract.ts'

const network = (name: string, ...config: SubnetInfo[]): NetworkInfo => ({
  id: name.repeat(64).slice(0, 64), name, driver: 'bridge', scope: 'local', created: '', internal: false, attachable: false, enableIPv4: true, enableIPv6: false,
  ipam: { driver: 'default', options: null, config }, options: {}, labels: {},
})
const networks = [network('bridge'), network('a', { subnet: '10.1.0.0/16', gateway: '10.1.0.1', requested: true }), network('c', { subnet: '10.2.0.0/16', gateway: '10.2.0.1' })]
const service = {
  get: (ref: string) => {
    const found = networks.find(({ id, name }) => name === ref || id.startsWith(ref))
    if (found === undefined) throw new GantryError('NotFound', `network ${ref} not found`)
    return found
  },
} as unknown as NetworkService

const refused: [string, EndpointSettings, string][] = [
  ['bridge', { IPAMConfig: { IPv4Address: '172.17.0.9' } }, '* user specified IP address is supported on user defined networks only\n* user specified IP address is supported only when connecting to networks with user configured subnets'],
  ['bridge', { Aliases: ['x'] }, 'network-scoped aliases are only supported for user-defined networks'],
  ['a', { IPAMConfig: { IPv4Address: '10.9.0.9' } }, 'no configured subnet contains IP address 10.9.0.9'],
  ['a', { IPAMConfig: { IPv4Address: '10.9' } }, '* invalid IPv4 address: 10.9\n* no configured subnet contains IP address 10.9'],
  ['a', { IPAMConfig: { IPv6Address: 'fd00::9' } }, 'user specified IP address is supported only when connecting to networks with user configured subnets'],
  ['c', { IPAMConfig: { IPv4Address: '10.2.0.9' } }, 'user specified IP address is supported only when connecting to networks with user configured subnets'],
  ['a', { MacAddress: '0a:00' }, 'invalid MAC address: 0a:00'],
]
for (const [name, settings, text] of refused) {
  void test(`settings on ${name} are refused: ${text}`, () => {
    assert.throws(() => checkEndpointSettings(service.get(name), name, settings), { kind: 'InvalidParameter', message: `invalid endpoint settings:\n${text}` })
    assert.throws(() => requestedNetworks(service, { NetworkMode: name }, { [name]: settings }),
      { kind: 'InvalidParameter', message: `invalid config for network ${name}: invalid endpoint settings:\n${text}` })
  })
}

void test('what is right is kept, and several faults are all told', () => {
  checkEndpointSettings(service.get('a'), 'a', { IPAMConfig: { IPv4Address: '10.1.0.9' }, MacAddress: '0a:00:00:00:00:01', Aliases: ['x'] })
  assert.throws(() => checkEndpointSettings(undefined, 'bridge', { Aliases: ['x'], MacAddress: 'y' }), { message: /^invalid endpoint settings:\n\* network-scoped .*\n\* invalid MAC address: y$/ })
})

void test('networks are known by their names, however they were called', () => {
  const { id } = service.get('a')
  assert.deepEqual(Object.keys(requestedNetworks(service, { NetworkMode: id }, { [id.slice(0, 9)]: { GwPriority: 3 }, later: {} })), ['a', 'later'])
  assert.deepEqual(requestedNetworks(service, { NetworkMode: 'container:x' }, {}), {})
  assert.throws(() => requestedNetworks(service, { NetworkMode: 'none' }, { a: {} }), /one of the networks in private \(none\) mode/)
})
