import assert from 'node:assert/strict'
import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { capabilitiesOf } from '../../../src/kernel/capabilities.ts'
import type { OciSpec } from '../../../src/runc/spec.ts'
import { ContainerHost } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'

const first = 200_000
const ids = [{ containerID: 0, hostID: first, size: 65_536 }]

function inUserNamespace(spec: OciSpec): void {
  spec.linux!.namespaces!.push({ type: 'user' })
  spec.linux!.uidMappings = ids
  spec.linux!.gidMappings = ids
}

describe('a container in a user namespace', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  before(() => execFileSync('chown', ['-R', `${first}:${first}`, host.rootfs]))
  after(() => host.close())

  test('is root inside and nobody outside', async () => {
    const spec = sampleSpec(host.rootfs, { args: ['sleep', '100'] })
    inUserNamespace(spec)
    const container = await host.create(spec)
    await container.monitor.start()
    const proc = `/proc/${container.monitor.pid}`
    assert.match(readFileSync(`${proc}/status`, 'utf8'), new RegExp(`^Uid:\t${first}\t${first}\t${first}\t${first}$`, 'm'))
    assert.match(readFileSync(`${proc}/uid_map`, 'utf8'), new RegExp(`^ +0 +${first} +65536\n$`))
    for (const name of ['user', 'mnt', 'net', 'uts', 'pid', 'ipc', 'cgroup']) assert.notEqual(readlinkSync(`${proc}/ns/${name}`), readlinkSync(`/proc/self/ns/${name}`), name)
    const inside = await container.exec({ args: ['sh', '-c', 'id -u; id -g; grep -E "^Cap(Eff|Bnd)|^Groups" /proc/self/status; readlink /proc/self/ns/user; touch /tmp/made; stat -c %u:%g /tmp/made'] })
    assert.equal(inside.stdout, `0\n0\nGroups:\t0 \nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n${readlinkSync(`${proc}/ns/user`)}\n0:0\n`)
    assert.equal(statSync(join(host.rootfs, 'tmp/made')).uid, first)
    await container.kill()
  })

  test('has kernel file systems, devices, limits and a terminal', async () => {
    const { stdout, stderr, code } = await host.run('cat /proc/self/uid_map; ls /sys/class/net; echo x > /dev/null; head -c 3 /dev/zero | wc -c; stat -c "%F %t:%T" /dev/full; hostname; cat /proc/self/oom_score_adj; cat /proc/sys/net/ipv4/ip_forward; mount | grep -c " /dev/pts "; cat /proc/keys; ulimit -n; echo to-stdout > /dev/stdout', (spec) => {
      inUserNamespace(spec)
      spec.linux!.sysctl = { 'net.ipv4.ip_forward': '1' }
      spec.process!.oomScoreAdj = 300
      spec.process!.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 100 }]
    })
    assert.equal(stderr, '')
    assert.equal(stdout, `         0     ${first}      65536\nlo\n3\ncharacter special file 1:7\nsample\n300\n1\n1\n100\nto-stdout\n`)
    assert.equal(code, 0)
  })

  test('runs as another user, with a terminal of his', async () => {
    const spec = sampleSpec(host.rootfs, { args: ['sh', '-c', 'id -u; id -G; tty; stat -c %u $(tty)'], terminal: true, user: { uid: 7, gid: 8, additionalGids: [8, 9] } })
    inUserNamespace(spec)
    assert.equal((await (await host.create(spec)).finish()).stdout, '7\r\n8 9\r\n/dev/pts/0\r\n7\r\n')
  })

  test('can be joined by path', async () => {
    const spec = sampleSpec(host.rootfs, { args: ['sleep', '100'] })
    inUserNamespace(spec)
    const container = await host.create(spec)
    await container.monitor.start()
    const namespace = (name: string): string => `/proc/${container.monitor.pid}/ns/${name}`
    const { stdout, stderr } = await host.run('readlink /proc/self/ns/user; readlink /proc/self/ns/net; readlink /proc/self/ns/pid; id -u; echo $$; ls /sys/class/net; cat /proc/1/cmdline', (spec) => {
      spec.linux!.namespaces = spec.linux!.namespaces!.map(({ type }) => (type === 'network' ? { type, path: namespace('net') } : { type }))
      spec.linux!.namespaces.push({ type: 'user', path: namespace('user') })
    })
    assert.equal(stderr, '')
    const lines = stdout.split('\n')
    assert.deepEqual(lines.slice(0, 2), [readlinkSync(namespace('user')), readlinkSync(namespace('net'))])
    assert.notEqual(lines[2], readlinkSync(namespace('pid')))
    assert.deepEqual(lines.slice(3, 6), ['0', '1', 'lo'])
    const both = await host.run('readlink /proc/self/ns/user; readlink /proc/self/ns/pid', (spec) => {
      spec.linux!.namespaces = spec.linux!.namespaces!.map(({ type }) => (type === 'pid' ? { type, path: namespace('pid') } : { type }))
      spec.linux!.namespaces.push({ type: 'user', path: namespace('user') })
    })
    assert.equal(both.stdout, `${readlinkSync(namespace('user'))}\n${readlinkSync(namespace('pid'))}\n`)
    await container.kill()
  })

  test('shares namespaces with the host, whose kernel files it then sees', async () => {
    const { stdout, stderr } = await host.run('readlink /proc/self/ns/net; ls /sys/class/net | grep -c .; touch /sys/x; hostname', (spec) => {
      inUserNamespace(spec)
      spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'network')
    })
    assert.equal(stdout.split('\n')[0], readlinkSync('/proc/self/ns/net'))
    assert.match(stderr, /Read-only file system/)
  })

  test('reads a bind of the host that others may not walk to, and cannot remount it without capabilities', async () => {
    const { stdout, stderr } = await host.run('ls /data/bin | grep -c busybox; touch /data/bin/x', (spec) => {
      inUserNamespace(spec)
      spec.mounts!.push({ destination: '/data', type: 'bind', source: host.rootfs, options: ['rbind', 'rprivate', 'ro'] })
    })
    assert.match(stdout, /1\n$/)
    assert.match(stderr, /Read-only file system/)
  })

  test('moves its clocks, and joins the network of others', async () => {
    const other = await host.create(sampleSpec(host.rootfs, { args: ['sleep', '100'] }))
    await other.monitor.start()
    const path = `/proc/${other.monitor.pid}/ns/net`
    const { stdout, stderr } = await host.run('cat /proc/uptime; readlink /proc/self/ns/net', (spec) => {
      inUserNamespace(spec)
      spec.linux!.namespaces = spec.linux!.namespaces!.map((namespace) => (namespace.type === 'network' ? { type: 'network', path } : namespace))
      spec.linux!.namespaces.push({ type: 'time' })
      spec.linux!.timeOffsets = { boottime: { secs: 1_000_000, nanosecs: 0 } }
    })
    assert.equal(stderr, '')
    assert.ok(Number(stdout.split(' ')[0]) > 1_000_000)
    assert.equal(stdout.split('\n')[1], readlinkSync(path))
    await other.kill()
  })

  test('keeps every capability it is given, in its own namespace only', async () => {
    const { stdout, stderr } = await host.run('grep CapEff /proc/self/status; mount -t tmpfs t /tmp && echo mounted; hostname other && hostname; mount -o remount,rw / ; mknod /tmp/x c 1 3', (spec) => {
      inUserNamespace(spec)
      const all = capabilitiesOf((1n << 41n) - 1n)
      spec.process!.capabilities = { bounding: all, effective: all, permitted: all }
    })
    assert.match(stdout, /^CapEff:\t000001ffffffffff\nmounted\nother\n/)
    assert.match(stderr, /mknod: .*Operation not permitted/)
  })
})
