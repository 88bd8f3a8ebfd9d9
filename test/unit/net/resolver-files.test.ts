import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostNetworkHostsFile, hostsFile } from '../../../src/net/hosts.ts'
import { isResolvedStub, resolvConf } from '../../../src/net/resolv-conf.ts'

const plain = { sharesHostNetwork: false, ipv6: false }
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

void describe('resolv.conf', () => {
  void it('is the host\'s, without its comments', () => {
    const host = '# mine\nnameserver 10.0.0.53 # near\nsearch a.example b.example\noptions ndots:2\noptions rotate\nsortlist 10.0.0.0\n'
    assert.deepEqual(lines(resolvConf({ ...plain, host })), ['nameserver 10.0.0.53', 'search a.example b.example', 'options ndots:2 rotate', 'sortlist 10.0.0.0'])
  })

  void it('drops loopback servers, and IPv6 ones for a container without IPv6', () => {
    const host = 'nameserver 127.0.0.53\nnameserver ::1\nnameserver 2001:db8::1\nnameserver 10.0.0.53\n'
    assert.deepEqual(lines(resolvConf({ ...plain, host })), ['nameserver 10.0.0.53'])
    assert.deepEqual(lines(resolvConf({ ...plain, ipv6: true, host })), ['nameserver 2001:db8::1', 'nameserver 10.0.0.53'])
    assert.equal(lines(resolvConf({ ...plain, sharesHostNetwork: true, host })).length, 4)
  })

  void it('falls back to public servers and says so', () => {
    const made = resolvConf({ ...plain, host: 'nameserver 127.0.0.1\n' })
    assert.deepEqual(lines(made), ['nameserver 8.8.8.8', 'nameserver 8.8.4.4'])
    assert.match(made, /# Used default nameservers\./)
    assert.equal(lines(resolvConf({ ...plain, ipv6: true, host: '' })).length, 4)
  })

  void it('obeys --dns, --dns-search and --dns-option', () => {
    const made = resolvConf({ ...plain, host: 'nameserver 10.0.0.53\nsearch a.example\noptions rotate\n', dns: ['127.0.0.1', '1.1.1.1'], dnsSearch: ['.'], dnsOptions: ['ndots:5'] })
    assert.deepEqual(lines(made), ['nameserver 127.0.0.1', 'nameserver 1.1.1.1', 'options ndots:5'])
    assert.match(made, /# Overrides: \[nameservers search options\]/)
    assert.throws(() => resolvConf({ ...plain, host: '', dns: ['one'] }), /invalid IP address: one/)
  })

  void it('knows the stub of systemd-resolved', () => {
    assert.ok(isResolvedStub('nameserver 127.0.0.53\noptions edns0\n'))
    assert.ok(!isResolvedStub('nameserver 10.0.0.1\n'))
  })
})

void describe('hosts', () => {
  void it('names the container, and what was added before it', () => {
    const made = hostsFile({ hostname: 'box', domainname: 'example', addresses: ['172.17.0.2'], extraHosts: ['db:10.0.0.5', 'up=host-gateway', 'six:[::1]'], hostGateway: '172.17.0.1' })
    assert.deepEqual(made.split('\n').slice(0, 2), ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'])
    assert.deepEqual(made.split('\n').slice(-5), ['10.0.0.5\tdb', '172.17.0.1\tup', '::1\tsix', '172.17.0.2\tbox.example box', ''])
  })

  void it('refuses lines that would forge others', () => {
    for (const bad of ['db', ':10.0.0.1', 'a b:10.0.0.1', 'a:10.0.0.1\n1.1.1.1 b', 'a:b']) {
      assert.throws(() => hostsFile({ hostname: 'x', addresses: [], extraHosts: [bad], hostGateway: '' }), /add-host/)
    }
  })

  void it('of the host gets additions only', () => {
    assert.equal(hostNetworkHostsFile('127.0.0.1 me', { extraHosts: ['a:1.2.3.4'], hostGateway: '' }), '127.0.0.1 me\n1.2.3.4\ta\n')
  })
})
