import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import { findPlugin } from '../../../src/net/plugins/plugin-address.ts'
import { Plugin } from '../../../src/net/plugins/plugin.ts'
import { checkConfigurationNetwork } from '../../../src/net/configuration-network.ts'
import type { CreateNetwork } from '../../../src/net/contract.ts'

const root = mkdtempSync(path.join(tmpdir(), 'gantry-plugins-'))
const folders = { sockets: [path.join(root, 'run')], specifications: [path.join(root, 'etc'), path.join(root, 'usr')] }
for (const folder of [...folders.sockets, ...folders.specifications]) mkdirSync(folder)
after(() => rmSync(root, { recursive: true }))

void describe('a plugin is found', () => {
  afterEach(() => {
    for (const folder of [...folders.sockets, ...folders.specifications]) for (const name of ['weave.sock', 'weave', 'weave.spec', 'weave.json']) rmSync(path.join(folder, name), { recursive: true, force: true })
  })
  test('by a socket before all others, also in a folder of its own', () => {
    write(folders.specifications[0], 'weave.spec', 'unix:///elsewhere.sock')
    const socketPath = write(folders.sockets[0], 'weave/weave.sock', '')
    assert.deepEqual(findPlugin('weave', folders), { socketPath })
  })

  test('by what a .spec says: a socket or an address', () => {
    write(folders.specifications[1], 'weave.spec', 'tcp://localhost:8080\n')
    assert.deepEqual(findPlugin('weave', folders), { url: new URL('http://localhost:8080') })
    write(folders.specifications[0], 'weave.spec', 'unix:///elsewhere.sock')
    assert.deepEqual(findPlugin('weave', folders), { socketPath: '/elsewhere.sock' })
  })

  test('by what a .json says, with TLS', () => {
    write(folders.specifications[0], 'weave.json', JSON.stringify({ Name: 'weave', Addr: 'https://host:8443', TLSConfig: { InsecureSkipVerify: true, CAFile: '/ca', CertFile: '/cert', KeyFile: '/key' } }))
    assert.deepEqual(findPlugin('weave', folders), { url: new URL('https://host:8443'), tls: { verify: false, ca: '/ca', cert: '/cert', key: '/key' } })
  })

  test('or it is not, and what is written of it is wrong', () => {
    for (const name of ['weave', '../etc/passwd', '']) assert.throws(() => findPlugin(name, folders), { kind: 'NotFound', message: `plugin "${name}" not found` })
    write(folders.specifications[0], 'weave.spec', 'nonsense')
    assert.throws(() => findPlugin('weave', folders), { kind: 'InvalidParameter', message: /cannot use plugin weave: .*weave\.spec: "nonsense" is no address/ })
  })
})

void describe('a plugin is called', () => {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      if (request.url === '/Plugin.Activate') response.end('{"Implements": ["IpamDriver"]}')
      else if (request.url === '/Echo') response.end(JSON.stringify({ method: request.method, type: request.headers['content-type'], body: JSON.parse(text) as unknown }))
      else if (request.url === '/Fails') response.writeHead(400).end('{"Err": "no more addresses"}')
      else if (request.url === '/Old') response.end('{"Error": "as in an older driver"}')
      else if (request.url === '/Text') response.end('not json')
      else response.writeHead(404).end('404 page not found')
    })
  })
  after(() => server.close())
  const plugin = new Plugin('local', folders)

  test('by POST with JSON both ways, and is asked what it is', async () => {
    await once(server.listen(0), 'listening')
    writeFileSync(path.join(folders.specifications[0] ?? '', 'local.spec'), `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`)
    assert.deepEqual(await plugin.call('Echo', { a: 1 }), { method: 'POST', type: 'application/vnd.docker.plugins.v1.2+json', body: { a: 1 } })
    await plugin.require('IpamDriver')
    await assert.rejects(plugin.require('NetworkDriver'), { kind: 'NotFound', message: /does not implement NetworkDriver/ })
  })

  test('and its words are those of the error', async () => {
    await assert.rejects(plugin.call('Fails', {}), { kind: 'System', message: 'Fails: no more addresses' })
    await assert.rejects(plugin.call('Old', {}), { kind: 'System', message: 'Old: as in an older driver' })
    await assert.rejects(plugin.call('Text', {}), { kind: 'System', message: 'Text: plugin local gave an answer that is not JSON' })
    await assert.rejects(plugin.call('Nothing', {}), { kind: 'NotImplemented', message: 'plugin local does not know Nothing' })
  })

  test('again when it is just being started', async () => {
    const file = path.join(folders.sockets[0] ?? '', 'slow.sock')
    const slow = createServer((_, response) => response.end('{}'))
    const calling = new Plugin('slow', folders).call('Hello', {})
    await once(slow.listen(file), 'listening')
    assert.deepEqual(await calling, {})
    slow.close()
  })
})

void describe('networks of settings', () => {
  const blank: CreateNetwork = { name: 'x', driver: '', internal: false, attachable: false, ipam: { driver: 'default', options: null, config: [] }, options: {}, labels: {} }
  const refused: [string, Partial<CreateNetwork>, RegExp][] = [
    ['are not internal', { configOnly: true, internal: true }, /can only contain network specific fields/],
    ['have none from others', { configOnly: true, configFrom: 'y' }, /cannot depend on another configuration network/],
    ['take no subnet beside them', { configFrom: 'y', ipam: { ...blank.ipam, config: [{ subnet: '10.0.0.0/8' }] } }, /user specified configurations are not supported/],
    ['take no label beside them', { configFrom: 'y', labels: { a: 'b' } }, /user specified configurations are not supported/],
    ['take no option beside them', { configFrom: 'y', options: { a: 'b' } }, /network driver options are not supported/],
  ]
  for (const [what, more, message] of refused) test(what, () => assert.throws(() => checkConfigurationNetwork({ ...blank, ...more }), { kind: 'Forbidden', message }))
  test('leave the driver and what an operator says to the network', () => checkConfigurationNetwork({ ...blank, configFrom: 'y', driver: 'bridge', internal: true, attachable: true }))
})

function write(folder: string | undefined, name: string, text: string): string {
  const file = path.join(folder ?? '', name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}
