import assert from 'node:assert/strict'
import { createServer, request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { createDistribution } from '../../../../src/containerd/distribution/distribution.ts'
import { proxyFor, proxySettings } from '../../../../src/containerd/distribution/proxy-settings.ts'
import { needsRoot, temporaryStore } from '../images/archive.ts'
import { offerImage, settingsFor, startRegistryServer } from './registry-server.ts'

const settings = { http: 'http://plain:1/', https: 'http://secure:2/', none: '' }
const cases: [url: string, none: string, expected: string | undefined][] = [
  ['http://registry.example/v2/', '', settings.http],
  ['https://registry.example/v2/', '', settings.https],
  ['https://localhost:5000/', '', undefined],
  ['https://127.0.0.9/', '', undefined],
  ['https://[::1]:5000/', '', undefined],
  ['https://registry.example/', '*', undefined],
  ['https://registry.example/', 'registry.example', undefined],
  ['https://a.registry.example/', 'other, registry.example', undefined],
  ['https://notregistry.example/', 'registry.example', settings.https],
  ['https://registry.example/', '.registry.example', settings.https],
  ['https://a.registry.example/', '*.registry.example', undefined],
  ['https://registry.example:5000/', 'registry.example:5001', settings.https],
  ['https://registry.example:5000/', 'registry.example:5000', undefined],
  ['https://registry.example/', 'registry.example:443', undefined],
  ['https://10.1.2.3/', '10.0.0.0/8', undefined],
  ['https://11.1.2.3/', '10.0.0.0/8', settings.https],
  ['https://10.1.2.3/', '10.1.2.3', undefined],
  ['https://[fd00::1]/', 'fd00::/8', undefined],
  ['https://[fd00::1]/', 'fd00::1', undefined],
  ['https://registry.example/', '10.0.0.0/99,,nonsense/', settings.https],
]
for (const [url, none, expected] of cases) {
  void test(`${url} with NO_PROXY=${none || '""'} goes ${expected ? 'through the proxy' : 'without'}`, () => {
    assert.equal(proxyFor(new URL(url), { ...settings, none }), expected)
  })
}

void test('what was asked for counts before the environment, and a proxy is an http URL', () => {
  const environment = { HTTP_PROXY: 'http://env:1', https_proxy: 'env:2', NO_PROXY: 'a' }
  assert.deepEqual(proxySettings({}, environment), { http: 'http://env:1/', https: 'http://env:2/', none: 'a' })
  assert.deepEqual(proxySettings({ http: '', https: 'http://asked', none: '' }, environment), { http: '', https: 'http://asked/', none: '' })
  assert.throws(() => proxySettings({ http: 'socks5://me:secret@x' }, {}), { kind: 'InvalidParameter', message: /^invalid proxy "socks5:\/\/xxxxx:xxxxx@x"/ })
})

void test('a pull goes through the proxy, which is told its password and nobody else is', { skip: needsRoot }, async () => {
  const registry = await startRegistryServer()
  const { id } = await offerImage(registry, 'box:1', [{ name: 'a', text: 'one' }])
  const seen: (string | undefined)[] = []
  registry.intercept = (request) => {
    assert.equal(request.headers['proxy-authorization'], undefined)
    return false
  }
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${new URL(request.url!).host} ${request.headers['proxy-authorization']}`)
    const { pathname, search } = new URL(request.url!)
    const { 'proxy-authorization': _secret, ...headers } = request.headers
    ask(`http://${registry.address}${pathname}${search}`, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    }).end()
  })
  const tunnels: (string | undefined)[] = []
  proxy.on('connect', (request, socket) => {
    tunnels.push(request.url)
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  after(() => proxy.close().closeAllConnections())
  const address = `http://me:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}/`
  const room = temporaryStore()
  // A name that no resolver knows: the proxy has to.
  const changes = { insecure: ['registry.invalid:5000'], proxies: { http: address, https: address, none: '' } }
  const distribution = createDistribution({ core: room.store.core, settings: settingsFor(changes), userAgent: 'test' })
  const [pulled] = await distribution.pull({ reference: 'registry.invalid:5000/box:1', allTags: false, credentials: {} }, () => undefined)
  assert.equal(pulled?.imageId, id)
  assert.deepEqual(new Set(tunnels), new Set(['registry.invalid:5000']))
  assert.deepEqual(new Set(seen), new Set([`GET registry.invalid:5000 Basic ${Buffer.from('me:secret').toString('base64')}`]))
})
