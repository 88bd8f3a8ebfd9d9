import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSpec } from '../../../../src/engine/spec/build-spec.ts'
import type { SpecInput } from '../../../../src/engine/spec/input.ts'
import { compileSeccomp } from '../../../../src/kernel/seccomp/compile.ts'
import type { HostConfig } from '../../../../src/engine/types/host-config.ts'
import type { OciLinux, OciMount } from '../../../../src/runc/spec.ts'
import { host, id, input } from './spec-input.ts'

function linux(hostConfig: HostConfig = {}, more: Partial<SpecInput> = {}): OciLinux {
  const { linux } = buildSpec(input(hostConfig, {}, more))
  assert.ok(linux)
  return linux
}

function mountAt(destination: string, given: SpecInput): OciMount | undefined {
  return buildSpec(given).mounts?.find((mount) => mount.destination === destination)
}

function namespaceTypes(hostConfig: HostConfig): string[] {
  return linux(hostConfig).namespaces?.map(({ type }) => type).toSorted() ?? []
}

const every = ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'uts']

void test('a container has a namespace of its own of every kind', () => {
  assert.deepEqual(namespaceTypes({}), every)
  assert.deepEqual(namespaceTypes({ NetworkMode: 'none', IpcMode: 'private', CgroupnsMode: 'private', PidMode: '', UTSMode: '' }), every)
})

function without(type: string): string[] {
  return every.filter((name) => name !== type)
}

void test("a host mode shares the host's namespace", () => {
  assert.deepEqual(namespaceTypes({ NetworkMode: 'host' }), without('network'))
  assert.deepEqual(namespaceTypes({ PidMode: 'host' }), without('pid'))
  assert.deepEqual(namespaceTypes({ IpcMode: 'host' }), without('ipc'))
  assert.deepEqual(namespaceTypes({ UTSMode: 'host' }), without('uts'))
  assert.deepEqual(namespaceTypes({ CgroupnsMode: 'host' }), without('cgroup'))
})

void test('a container mode joins by the process of the other', () => {
  const joined = { network: 11, ipc: 12, pid: 13 }
  const { namespaces } = linux({ NetworkMode: 'container:a', IpcMode: 'container:a', PidMode: 'container:a' }, { joined, shmPath: '/shm' })
  assert.deepEqual(
    namespaces?.filter(({ path }) => path),
    [
      { type: 'network', path: '/proc/11/ns/net' },
      { type: 'pid', path: '/proc/13/ns/pid' },
      { type: 'ipc', path: '/proc/12/ns/ipc' },
    ],
  )
  assert.throws(() => linux({ PidMode: 'container:a' }), /its process is not given/)
})

void test("the host's name stays the host's with --uts=host", () => {
  assert.equal(buildSpec(input()).hostname, id.slice(0, 12))
  assert.equal(buildSpec(input({ UTSMode: 'host' })).hostname, undefined)
  assert.equal(buildSpec(input({}, { Domainname: 'example.org' })).domainname, 'example.org')
})

void test('kernel file systems are mounted first, read-only where they show the machine', () => {
  const { mounts = [] } = buildSpec(input())
  assert.deepEqual(
    mounts.map(({ destination }) => destination),
    ['/proc', '/dev', '/dev/pts', '/sys', '/sys/fs/cgroup', '/dev/mqueue', '/dev/shm', '/etc/resolv.conf', '/etc/hostname', '/etc/hosts'],
  )
  const readonly = mounts.filter(({ options }) => options?.includes('ro')).map(({ destination }) => destination)
  assert.deepEqual(readonly, ['/sys', '/sys/fs/cgroup'])
  assert.ok(mountAt('/dev', input())?.options?.includes('size=65536k'))
})

void test('/dev/shm has the size that was asked for, 64 MiB by default', () => {
  assert.ok(mountAt('/dev/shm', input())?.options?.includes('size=67108864'))
  assert.ok(mountAt('/dev/shm', input({ ShmSize: 1048576 }))?.options?.includes('size=1048576'))
  assert.equal(mountAt('/dev/shm', input({ IpcMode: 'none' })), undefined)
  assert.equal(mountAt('/dev/shm', input({ IpcMode: 'host' }))?.source, '/dev/shm')
  assert.equal(mountAt('/dev/shm', input({ IpcMode: 'container:a' }, {}, { joined: { ipc: 1 }, shmPath: '/other' }))?.source, '/other')
})

void test("a user's mount takes the place of a default one, and /dev of all below it", () => {
  const shm = buildSpec(input({ Binds: ['/data:/dev/shm'] })).mounts?.filter(({ destination }) => destination === '/dev/shm')
  assert.deepEqual(shm?.map(({ source }) => source), ['/data'])
  const dev = buildSpec(input({ Binds: ['/dev:/dev'] })).mounts?.filter(({ destination }) => destination.startsWith('/dev'))
  assert.deepEqual(dev?.map(({ source }) => source), ['/dev'])
  assert.equal(mountAt('/etc/hosts', input({ Binds: ['/mine:/etc/hosts:ro'] }))?.source, '/mine')
})

void test('mounts come before those below them', () => {
  const { mounts = [] } = buildSpec(input({ Binds: ['/x:/a/b/c', '/y:/a'], Tmpfs: { '/a/b': '' } }))
  assert.deepEqual(mounts.slice(-3).map(({ destination }) => destination), ['/a', '/a/b', '/a/b/c'])
})

void test('a read-only bind is read-only all the way down', () => {
  assert.deepEqual(mountAt('/b', input({ Binds: ['/a:/b:ro'] }))?.options, ['rbind', 'ro', 'rro', 'rprivate'])
  assert.deepEqual(mountAt('/b', input({ Binds: ['/a:/b'] }))?.options, ['rbind', 'rprivate'])
  assert.deepEqual(mountAt('/b', input({ Binds: ['/a:/b:rslave,ro'] }))?.options, ['rbind', 'ro', 'rro', 'rslave'])
})

void test('a bind that shares mounts makes the root share them', () => {
  assert.equal(linux({ Binds: ['/a:/b:rshared'] }).rootfsPropagation, 'shared')
  assert.equal(linux({ Binds: ['/a:/b:slave'] }).rootfsPropagation, 'rslave')
  assert.equal(linux({ Binds: ['/a:/b'] }).rootfsPropagation, undefined)
})

void test('--mount makes binds and tmpfs', () => {
  const Mounts = [
    { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true, BindOptions: { NonRecursive: true } },
    { Type: 'bind', Source: '/a', Target: '/c', ReadOnly: true },
    { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 4096, Mode: 0o1777 } },
  ]
  assert.deepEqual(mountAt('/b', input({ Mounts }))?.options, ['bind', 'ro', 'rprivate'])
  assert.deepEqual(mountAt('/c', input({ Mounts }))?.options, ['rbind', 'ro', 'rro', 'rprivate'])
  assert.deepEqual(mountAt('/t', input({ Mounts }))?.options, ['noexec', 'nosuid', 'nodev', 'size=4096', 'mode=1777'])
})

void test("the engine's files and everything that is not private to the container are read-only with a read-only root", () => {
  const spec = buildSpec(input({ ReadonlyRootfs: true }))
  assert.equal(spec.root?.readonly, true)
  const writable = spec.mounts?.filter(({ options }) => !options?.includes('ro')).map(({ destination }) => destination)
  assert.deepEqual(writable, ['/proc', '/dev', '/dev/pts', '/dev/mqueue', '/dev/shm'])
})

void test('a privileged container has all devices, no masks, no filter, and writable /sys and cgroups', () => {
  const { devices, resources, maskedPaths, readonlyPaths, seccomp } = linux({ Privileged: true })
  assert.deepEqual(devices, host.devices)
  assert.deepEqual(resources?.devices, [{ allow: true, access: 'rwm' }])
  assert.deepEqual([maskedPaths, readonlyPaths, seccomp], [[], [], undefined])
  assert.ok(mountAt('/sys', input({ Privileged: true }))?.options?.includes('rw'))
  assert.ok(mountAt('/sys/fs/cgroup', input({ Privileged: true }))?.options?.includes('rw'))
})

void test('what shows or changes the machine is masked or read-only', () => {
  const { maskedPaths = [], readonlyPaths = [] } = linux({}, { host: { ...host, maskedPaths: ['/sys/x'] } })
  for (const path of ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/interrupts', '/proc/acpi', '/sys/firmware', '/sys/devices/virtual/powercap', '/sys/x']) {
    assert.ok(maskedPaths.includes(path), path)
  }
  assert.deepEqual(readonlyPaths, ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'])
  assert.deepEqual(linux({ MaskedPaths: null, ReadonlyPaths: null }).readonlyPaths, readonlyPaths)
  assert.deepEqual(linux({ MaskedPaths: [], ReadonlyPaths: [] }).maskedPaths, [])
  assert.deepEqual(linux({ SecurityOpt: ['systempaths=unconfined'] }).maskedPaths, [])
})

void test('nothing but the default devices may be used, and what --device adds', () => {
  const rules = linux().resources?.devices ?? []
  assert.deepEqual(rules[0], { allow: false, access: 'rwm' })
  assert.ok(rules.slice(1).every(({ allow, type, access }) => allow && (type === 'c' || access === 'm')))
  const device = { PathOnHost: '/dev/vda', PathInContainer: '/dev/disk', CgroupPermissions: 'r' }
  const { devices, resources } = linux({ Devices: [device] })
  assert.deepEqual(devices?.map(({ path, major, minor }) => [path, major, minor]), [['/dev/disk', 254, 0]])
  assert.deepEqual(resources?.devices?.at(-1), { allow: true, type: 'b', major: 254, minor: 0, access: 'r' })
  assert.throws(
    () => linux({ Devices: [{ ...device, PathOnHost: '/dev/none' }] }),
    /error gathering device information while adding custom device "\/dev\/none": no such file or directory/,
  )
})

void test('the cgroup is the id below the parent', () => {
  assert.equal(linux().cgroupsPath, `/docker/${id}`)
  assert.equal(linux({}, { cgroupParent: '/gantry-test' }).cgroupsPath, `/gantry-test/${id}`)
  assert.equal(linux({ CgroupParent: 'mine/' }, { cgroupParent: '/gantry-test' }).cgroupsPath, `/mine/${id}`)
})

void test('a network namespace of its own lets any user bind low ports', () => {
  assert.equal(linux().sysctl?.['net.ipv4.ip_unprivileged_port_start'], '0')
  assert.deepEqual(linux({ NetworkMode: 'host' }).sysctl, {})
  const Sysctls = { 'net.ipv4.ip_unprivileged_port_start': '1024' }
  assert.equal(linux({ Sysctls }).sysctl?.['net.ipv4.ip_unprivileged_port_start'], '1024')
})

void test('the seccomp filter is the default one, none, or the given one', () => {
  assert.ok(compileSeccomp(linux().seccomp ?? { defaultAction: '' }, 'x86_64').instructions > 100)
  assert.equal(linux({ SecurityOpt: ['seccomp=unconfined'] }).seccomp, undefined)
  const profile = '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}'
  assert.equal(linux({ SecurityOpt: [`seccomp=${profile}`] }).seccomp?.defaultAction, 'SCMP_ACT_ALLOW')
  assert.equal(linux({ SecurityOpt: [`seccomp=${profile}`], Privileged: true }).seccomp?.defaultAction, 'SCMP_ACT_ALLOW')
})

function allows(name: string, hostConfig: HostConfig): boolean {
  const rules = linux(hostConfig).seccomp?.syscalls ?? []
  return rules.some(({ names, action, args }) => names.includes(name) && action === 'SCMP_ACT_ALLOW' && !args)
}

void test('a capability that the container has opens its system calls', () => {
  assert.equal(allows('mount', {}), false)
  assert.equal(allows('mount', { CapAdd: ['SYS_ADMIN'] }), true)
  assert.equal(allows('chroot', {}), true)
  assert.equal(allows('chroot', { CapDrop: ['SYS_CHROOT'] }), false)
})

void test('--init puts an init in front, for PID 1 only', () => {
  const initPath = '/lib/init'
  const spec = buildSpec(input({ Init: true }, {}, { initPath }))
  assert.deepEqual(spec.process?.args, ['/sbin/docker-init', '--', 'sleep', '1'])
  assert.deepEqual(spec.mounts?.find(({ source }) => source === initPath), {
    destination: '/sbin/docker-init',
    type: 'bind',
    source: initPath,
    options: ['bind', 'ro'],
  })
  assert.deepEqual(buildSpec(input({ Init: true, PidMode: 'host' }, {}, { initPath })).process?.args, ['sleep', '1'])
  assert.deepEqual(buildSpec(input({ Init: null }, {}, { initPath })).process?.args, ['sleep', '1'])
})

void test('anonymous volumes are writable binds', () => {
  const volumes = [{ source: '/v/1', destination: '/data' }]
  assert.deepEqual(mountAt('/data', input({}, {}, { volumes }))?.options, ['rbind', 'rprivate'])
})

void test('the same input gives the same specification, and it survives JSON', () => {
  const given = input({ Memory: 67108864, Binds: ['/a:/b'], Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }] })
  assert.deepEqual(JSON.parse(JSON.stringify(buildSpec(given))), buildSpec(given))
})

const users = { uids: [{ containerID: 0, hostID: 100_000, size: 65_536 }], gids: [{ containerID: 0, hostID: 200_000, size: 1000 }] }

void test('a container with users of its own has their maps, and lets no more groups ping than it has', () => {
  const { namespaces, uidMappings, gidMappings, sysctl } = linux({}, { users })
  assert.deepEqual(namespaces?.filter(({ type }) => type === 'user'), [{ type: 'user' }])
  assert.deepEqual([uidMappings, gidMappings], [users.uids, users.gids])
  assert.equal(sysctl?.['net.ipv4.ping_group_range'], '0 999')
  const joined = linux({}, { users: { ...users, joined: 11 } })
  assert.deepEqual(joined.namespaces?.filter(({ type }) => type === 'user'), [{ type: 'user', path: '/proc/11/ns/user' }])
  assert.equal(linux().uidMappings, undefined)
})

void test("the engine's defaults hold where the container says nothing", () => {
  const security = { seccomp: '{"defaultAction":"SCMP_ACT_LOG"}', noNewPrivileges: true, apparmor: 'docker-default' }
  const made = (hostConfig: HostConfig) => {
    const { process, linux } = buildSpec(input(hostConfig, {}, { security, labels: { process: 'p', mount: 'm' } }))
    return [linux?.seccomp?.defaultAction, process?.noNewPrivileges, process?.apparmorProfile, process?.selinuxLabel, linux?.mountLabel]
  }
  assert.deepEqual(made({}), ['SCMP_ACT_LOG', true, 'docker-default', 'p', 'm'])
  assert.deepEqual(made({ SecurityOpt: ['seccomp=builtin', 'no-new-privileges=false', 'apparmor=own'] }), ['SCMP_ACT_ERRNO', false, 'own', 'p', 'm'])
  assert.deepEqual(made({ Privileged: true }).slice(0, 3), [undefined, true, 'unconfined'])
  assert.equal(buildSpec(input({}, {}, { security: { seccomp: 'unconfined' } })).linux?.seccomp, undefined)
})
