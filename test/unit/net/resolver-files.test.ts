import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostNetworkHostsFile, hostsFile } from '../../../src/net/hosts.ts'
import { forwardingSettings, isResolvedStub, resolvConf } from '../../../src/net/resolv-conf.ts'

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

  void it('on a network with a resolver names that alone, and the others in a comment', () => {
    const inside = { ...plain, resolver: '127.0.0.11', host: 'nameserver 127.0.0.53\nnameserver fe80::1%eth0\nsearch a.example\noptions edns0 trust-ad\n' }
    const made = resolvConf(inside)
    assert.deepEqual(lines(made), ['nameserver 127.0.0.11', 'search a.example', 'options edns0 trust-ad ndots:0'])
    assert.match(made, /^# Based on host file: '\/etc\/resolv\.conf' \(internal resolver\)\n# ExtServers: \[host\(127\.0\.0\.53\) host\(fe80::1%eth0\)\]\n# Overrides: \[\]\n# Option ndots from: internal$/m)
    const asked = resolvConf({ ...inside, dns: ['127.0.0.1', '10.0.0.9'], dnsSearch: ['.'], dnsOptions: ['ndots:2', 'rotate'] })
    assert.deepEqual(lines(asked), ['nameserver 127.0.0.11', 'options ndots:2 rotate'])
    assert.match(asked, /# ExtServers: \[127\.0\.0\.1 10\.0\.0\.9\]\n# Overrides: \[nameservers search options\]\n# Option ndots from: override/)
    const odd = resolvConf({ ...inside, host: 'options ndots:x ndots\n' })
    assert.deepEqual(lines(odd), ['nameserver 127.0.0.11', 'options ndots:0'])
    assert.match(odd, /^# NO EXTERNAL NAMESERVERS DEFINED$/m)
    assert.match(resolvConf({ ...inside, host: 'options ndots:3\n' }), /^options ndots:3\n[^]*# Option ndots from: host$/m)
    assert.throws(() => resolvConf({ ...inside, dns: ['one'] }), /invalid IP address: one/)
  })

  void it('tells the resolver whom to ask, and whether names without a dot are complete', () => {
    assert.deepEqual(forwardingSettings({ host: 'nameserver 10.0.0.1\noptions ndots:5\n' }), { servers: [], ndots: 5 })
    assert.deepEqual(forwardingSettings({ host: 'options ndots:5\n', dns: ['10.0.0.9'], dnsOptions: ['ndots:1', 'ndots:0'] }), { servers: ['10.0.0.9'], ndots: 0 })
  })

  void it('knows the stub of systemd-resolved', () => {
    assert.ok(isResolvedStub('nameserver 127.0.0.53\noptions edns0\n'))
    assert.ok(!isResolvedStub('nameserver 10.0.0.1\n'))
  })
})

void describe('hosts', () => {
  void it('names the container, and what was added before it', () => {
    for (const [hostname, domainname, names] of [['box', '', 'box'], ['box.corp.test', '', 'box.corp.test box'], ['box.corp', 'test', 'box.corp.test box']]) {
      assert.equal(hostsFile({ hostname: hostname ?? '', domainname, addresses: ['172.17.0.2'], hostGateway: '' }).split('\n').at(-2), `172.17.0.2\t${names}`)
    }
    const made = hostsFile({ hostname: 'box', domainname: 'example', addresses: ['172.17.0.2'], extraHosts: ['db:10.0.0.5', 'up=host-gateway', 'six:[::1]'], hostGateway: '172.17.0.1' })
    assert.deepEqual(made.split('\n').slice(0, 2), ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'])
    assert.deepEqual(made.split('\n').slice(-5), ['10.0.0.5\tdb', '172.17.0.1\tup', '::1\tsix', '172.17.0.2\tbox.example box', ''])
  })

  void it('refuses lines that would forge others', () => {
    for (const bad of ['db', ':10.0.0.1', 'a b:10.0.0.1', 'a:10.0.0.1\n1.1.1.1 b', 'a:b']) {
      assert.throws(() => hostsFile({ hostname: 'x', addresses: [], extraHosts: [bad], hostGateway: '' }), /add-host/)
    }
  })

  void it('gives host-gateway a line for each of its addresses, and refuses it without one', () => {
    const settings = { hostname: 'x', addresses: [], extraHosts: ['up:host-gateway'] }
    assert.deepEqual(hostsFile({ ...settings, hostGateway: ['172.17.0.1', 'fd00::1'] }).split('\n').slice(-3), ['172.17.0.1\tup', 'fd00::1\tup', ''])
    for (const hostGateway of ['', []]) assert.throws(() => hostsFile({ ...settings, hostGateway }), /invalid IP address in add-host: "host-gateway"/)
  })

  void it('of the host gets additions only', () => {
    assert.equal(hostNetworkHostsFile('127.0.0.1 me', { extraHosts: ['a:1.2.3.4'], hostGateway: '' }), '127.0.0.1 me\n1.2.3.4\ta\n')
  })
})
