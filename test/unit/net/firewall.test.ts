import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { linuxKernel } from '../../../src/kernel/linux.ts'
import type { FilterSettings } from '../../../src/net/firewall/chosen-filter.ts'
import type { LocalNetworkService } from '../../../src/net/network-service.ts'
import { openNetworkService } from '../../../src/net/service.ts'
import { eventually } from '../../e2e/harness/eventually.ts'
import { PrivateHost } from './private-host.ts'

for (const backend of ['nftables', 'iptables'] as const) {
  void describe(`the host's firewall, backend ${backend}`, () => {
    let host: PrivateHost
    let service: LocalNetworkService
    let address = ''
    const logged: string[] = []

    const open = (filters: Partial<FilterSettings> = {}): LocalNetworkService => openNetworkService({
      kernel: linuxKernel, root: `${host.folder}/network`, runtimeDir: `${host.folder}/run`, bridgeName: 'gtest0', bip: '172.30.0.1/16', mtu: 1500, userlandProxy: true,
      filters: { ipv4: true, ipv6: true, backend, ...filters }, log: (line) => logged.push(line),
    })
    const received = (): number => Number(/gnrx.*?RX:[^\n]*\n\s*\d+\s+(\d+)/s.exec(host.run('ip -s link'))?.[1])
    const fromOutside = (protocol: 'tcp' | 'udp' = 'tcp', port = 8080): Promise<string> => host.ask(protocol, '10.77.0.1', port, host.outside)
    const admin = (rules: string): string => host.run(`nft -f - <<'E'\ntable inet admin\ndelete table inet admin\n${rules}\nE`)
    const input = (policy: string, ...rules: string[]): string => admin(`table inet admin {\n chain input {\n type filter hook input priority 0; policy ${policy};\n ${rules.join('\n ')}\n }\n}`)

    before(async () => {
      host = await PrivateHost.enter()
      // The strictest there is: our way in has to pass it as well.
      host.run('sysctl -qw net.ipv4.conf.all.rp_filter=1')
      service = open()
      await service.recover(new Set())
      const pid = await host.namespace(80)
      const endpoint = await service.allocate({
        networkId: 'bridge', containerId: 'one', containerName: 'one',
        portBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }, { HostIp: '10.77.0.1', HostPort: '8081' }], '80/udp': [{ HostIp: '', HostPort: '8080' }] },
      })
      address = endpoint.ipv4
      await service.attach(endpoint.id, pid)
    })
    after(async () => {
      admin('')
      await service.purge()
      assert.doesNotMatch(host.run('nft list ruleset'), /gantry|gnrx|DOCKER-gtest0/)
      assert.doesNotMatch(host.run('ip -o link'), /gn[rt]x/)
      await host.leave()
    })

    void it('lets in what nobody objects to, with the address of the caller', async () => {
      for (const [protocol, port] of [['tcp', 8080], ['udp', 8080], ['tcp', 8081]] as const) assert.equal(await fromOutside(protocol, port), '10.77.0.2 hello')
    })

    void it('keeps out what the administrator drops or rejects, by whatever the rule goes', async () => {
      input('accept', 'tcp dport 8080 drop')
      assert.equal(await fromOutside(), 'silence')
      assert.equal(await fromOutside('tcp', 8081), '10.77.0.2 hello')
      assert.equal(await fromOutside('udp'), '10.77.0.2 hello')
      input('accept', 'iifname "out0" ip saddr 10.77.0.2 ip daddr 10.77.0.1 udp dport 8080 drop')
      assert.equal(await fromOutside('udp'), 'silence')
      input('accept', 'tcp dport 8080 reject with tcp reset')
      assert.equal(await fromOutside(), 'error ECONNREFUSED')
      input('drop', 'iifname "lo" accept', 'ct state established,related accept', 'tcp dport 8081 accept')
      assert.equal(await fromOutside(), 'silence')
      assert.equal(await fromOutside('tcp', 8081), '10.77.0.2 hello')
      admin('')
      assert.equal(await fromOutside(), '10.77.0.2 hello')
    })

    void it('obeys the INPUT chain of iptables as well', async () => {
      host.run('iptables -I INPUT -i out0 -p tcp --dport 8080 -j DROP')
      assert.equal(await fromOutside(), 'silence')
      host.run('iptables -D INPUT -i out0 -p tcp --dport 8080 -j DROP')
      assert.equal(await fromOutside(), '10.77.0.2 hello')
    })

    void it('sends the first packet of a connection alone by the entrance', async () => {
      const earlier = received()
      assert.equal(await fromOutside(), '10.77.0.2 hello')
      assert.equal(received() - earlier, 1)
    })

    void it('leaves the host its own ports', async () => {
      input('drop', 'iifname "lo" accept', 'ct state established,related accept')
      assert.match(await host.ask('tcp', '127.0.0.1', 8080), /hello$/)
      assert.match(await host.ask('tcp', '10.77.0.1', 8080), /hello$/)
      assert.match(await host.ask('tcp', '::1', 8080), /hello$/)
      admin('')
    })

    void it('holds for IPv6 as well', async () => {
      host.run('ip addr add fd77::1/64 dev out0 nodad')
      host.run('ip addr add fd77::2/64 dev out1 nodad', host.outside)
      const six = await service.create({
        name: 'six', driver: 'bridge', internal: false, attachable: false, enableIPv6: true, ipam: { driver: 'default', options: null, config: [{ subnet: 'fd78::/64' }] }, options: {}, labels: {},
      })
      const pid = await host.namespace()
      const endpoint = await service.allocate({ networkId: six.id, containerId: 'six', containerName: 'six', portBindings: { '80/tcp': [{ HostIp: '::', HostPort: '8086' }] } })
      await service.attach(endpoint.id, pid)
      writeFileSync(`${host.folder}/page`, 'six')
      const server = spawn('nsenter', ['-t', String(pid), '-n', 'busybox', 'httpd', '-f', '-p', '[::]:80', '-h', host.folder], { stdio: 'ignore' })
      const get = (): string => host.run('curl -s -g --max-time 1 http://[fd77::1]:8086/page || true', host.outside)
      try {
        await eventually(() => assert.equal(get(), 'six'))
        input('accept', 'ip6 saddr fd77::2 tcp dport 8086 drop')
        assert.equal(get(), '')
        admin('')
        assert.equal(get(), 'six')
      } finally {
        server.kill()
        await service.release(endpoint.id)
        await service.remove(six.id)
      }
    })

    void it('lets nobody out of an internal network by a published port', async () => {
      const inside = await service.create({ name: 'inside', driver: 'bridge', internal: true, attachable: false, ipam: { driver: 'default', options: null, config: [] }, options: {}, labels: {} })
      const pid = await host.namespace()
      const endpoint = await service.allocate({ networkId: inside.id, containerId: 'captive', containerName: 'captive' })
      await service.attach(endpoint.id, pid)
      const before = received()
      const gateway = inside.ipam.config[0]?.gateway ?? ''
      assert.equal(await host.ask('tcp', gateway, 8080, pid), 'silence')
      assert.equal(await host.ask('udp', gateway, 8080, pid), 'silence')
      assert.equal(received(), before)
      await service.release(endpoint.id)
      await service.remove(inside.id)
    })

    void it('has a place for the administrator in the way of what is forwarded', async () => {
      const [add, flush] = backend === 'nftables'
        ? ['nft add rule ip gantry-gtest0-user DOCKER-USER ip protocol tcp ct original proto-dst 8080 drop', 'nft flush chain ip gantry-gtest0-user DOCKER-USER']
        : ['iptables -A DOCKER-USER -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL -j DROP', 'iptables -F DOCKER-USER']
      host.run(add)
      assert.equal(await fromOutside(), 'silence')
      // Rules that are made anew leave it as it is.
      await service.create({ name: 'other', driver: 'bridge', internal: false, attachable: false, ipam: { driver: 'default', options: null, config: [] }, options: {}, labels: {} })
      assert.equal(await fromOutside(), 'silence')
      host.run(flush)
      assert.equal(await fromOutside(), '10.77.0.2 hello')
      await service.remove(service.get('other').id)
    })

    void it('restores its rules when they are lost, and is not moved by changes of others', async () => {
      input('accept', 'tcp dport 1 drop')
      admin('')
      assert.equal(await fromOutside(), '10.77.0.2 hello')
      assert.deepEqual(logged.filter((line) => line.includes('restored')), [])
      host.run('nft flush ruleset')
      await eventually(async () => assert.equal(await fromOutside(), '10.77.0.2 hello'))
      host.run(backend === 'nftables' ? 'nft flush chain ip gantry-gtest0 admitted' : 'iptables -t security -F DOCKER-gtest0-INPUT')
      await eventually(() => assert.equal(logged.filter((line) => line.includes('restored')).length, 2))
      assert.equal(await fromOutside(), '10.77.0.2 hello')
      host.run('ip link del "$(ip -o link | grep -o "gntx-[0-9a-f]*" | head -1)"')
      await eventually(async () => assert.equal(await fromOutside(), '10.77.0.2 hello'))
    })

    void it('is bypassed when that is asked for', async () => {
      await service.close()
      service = open({ obeysInput: false })
      await service.recover(new Set(service.endpointsOf('one').map(({ id }) => id)))
      assert.match(address, /^172\.30/)
      input('drop', 'iifname "lo" accept')
      assert.equal(await fromOutside(), '10.77.0.2 hello')
      admin('')
    })
  })
}
