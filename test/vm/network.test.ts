import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { onOneMachine, tiny } from './harness/stage.ts'

const ping = (address: string) => ['ping', '-c', '2', '-W', '5', address]

/** Links that many a developer's kernel does not have: ipvlan, VLANs, and SCTP. "other" is a host on the machine's wire. */
onOneMachine('networks on the wire of Debian 12', (stage) => {
  before(() => stage.must(`ip netns add other
ip link add eth0 type veth peer name eth0 netns other
ip address add 10.90.0.1/24 dev eth0; ip link set eth0 up
ip -n other address add 10.90.0.2/24 dev eth0; ip -n other link set eth0 up; ip -n other link set lo up
ip -n other link add link eth0 name eth0.10 type vlan id 10
ip -n other address add 10.92.0.2/24 dev eth0.10; ip -n other link set eth0.10 up`))

  const linkOf = async (pid: number) => JSON.parse(await stage.must(`nsenter --net=/proc/${pid}/ns/net ip -d -j link show eth0`)) as [{ address: string; linkinfo: { info_kind: string; info_data: { mode: string } } }]

  test('ipvlan l2: a container on the wire under the hardware address of its parent', async () => {
    await stage.ok('network', 'create', '-d', 'ipvlan', '--subnet', '10.90.0.0/24', '--gateway', '10.90.0.2', '-o', 'parent=eth0', 'two')
    {
      await using box = await stage.container('--network', 'two', '--ip', '10.90.0.50', tiny, 'sleep', '999')
      const [link] = await linkOf(box.pid)
      assert.deepEqual([link.linkinfo.info_kind, link.linkinfo.info_data.mode, link.address], ['ipvlan', 'l2', await stage.must('cat /sys/class/net/eth0/address')])
      assert.match(await stage.ok('exec', box.id, ...ping('10.90.0.2')), / 0% packet loss/)
      await stage.must(`ip netns exec other busybox ${ping('10.90.0.50').join(' ')}`)
      assert.equal(await stage.must('ip netns exec other busybox arp -n | sed -n "s/.*(10.90.0.50) at \\([^ ]*\\).*/\\1/p"'), link.address)
    }
    await stage.ok('network', 'rm', 'two')
  })

  for (const mode of ['l3', 's3'] as const) {
    const word = mode === 's3' ? 'l3s' : mode
    test(`ipvlan ${word}: a subnet behind the machine, by a route`, async () => {
      await stage.ok('network', 'create', '-d', 'ipvlan', '--subnet', '10.91.0.0/24', '-o', 'parent=eth0', '-o', `ipvlan_mode=${word}`, mode)
      await stage.must('ip -n other route replace 10.91.0.0/24 via 10.90.0.1')
      {
        await using box = await stage.container('--network', mode, '--ip', '10.91.0.7', tiny, 'sleep', '999')
        assert.equal((await linkOf(box.pid))[0].linkinfo.info_data.mode, word)
        assert.match(await stage.must(`nsenter --net=/proc/${box.pid}/ns/net ip route`), /^default dev eth0/m)
        assert.match(await stage.ok('exec', box.id, ...ping('10.90.0.2')), / 0% packet loss/)
        await stage.must(`ip netns exec other busybox ${ping('10.91.0.7').join(' ')}`)
      }
      await stage.ok('network', 'rm', mode)
    })
  }

  test('macvlan on a VLAN that the driver makes for it, and takes away again', async () => {
    await stage.ok('network', 'create', '-d', 'macvlan', '--subnet', '10.92.0.0/24', '--gateway', '10.92.0.2', '-o', 'parent=eth0.10', 'tagged')
    {
      await using box = await stage.container('--network', 'tagged', '--ip', '10.92.0.50', tiny, 'sleep', '999')
      const [vlan] = JSON.parse(await stage.must('ip -d -j link show eth0.10')) as [{ linkinfo: { info_kind: string; info_data: { id: number } } }]
      assert.deepEqual([vlan.linkinfo.info_kind, vlan.linkinfo.info_data.id], ['vlan', 10])
      assert.equal((await linkOf(box.pid))[0].linkinfo.info_kind, 'macvlan')
      assert.match(await stage.ok('exec', box.id, ...ping('10.92.0.2')), / 0% packet loss/)
      await stage.must(`ip netns exec other busybox ${ping('10.92.0.50').join(' ')}`)
    }
    await stage.ok('network', 'rm', 'tagged')
    assert.notEqual((await stage.run('ip link show eth0.10')).code, 0)
  })

  test('a published port of SCTP carries an association from another host', async () => {
    await using box = await stage.container('-p', '9100:9000/sctp', tiny, 'sleep', '999')
    assert.match(await stage.ok('port', box.id), /^9000\/sctp -> 0\.0\.0\.0:9100/)
    const server = 'use Socket; socket(S,AF_INET,SOCK_STREAM,132) or die $!; bind(S,sockaddr_in(9000,INADDR_ANY)) or die $!; listen(S,5); while(accept(C,S)){ print C "from the container\\n"; close C }'
    const client = 'use Socket; socket(S,AF_INET,SOCK_STREAM,132) or die $!; connect(S,sockaddr_in(9100,inet_aton("10.90.0.1"))) or die $!; print scalar <S>'
    await stage.must(`systemd-run -q --unit sctp-server nsenter --net=/proc/${box.pid}/ns/net perl -e '${server}'`)
    const answer = await stage.must(`for i in $(seq 30); do ip netns exec other perl -e '${client}' && exit; sleep 1; done; exit 1`)
    assert.equal(answer, 'from the container')
    await stage.must('systemctl stop sctp-server')
  })
})
