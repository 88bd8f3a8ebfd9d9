import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { ProgramFailure } from '../../../src/kernel/failure.ts'
import { capabilitiesOf, ownCapabilities } from '../../../src/kernel/capabilities.ts'
import { defaultProfile } from '../../../src/kernel/seccomp/default-profile.ts'
import { resolveProfile } from '../../../src/kernel/seccomp/profile.ts'
import { nativeArchitecture } from '../../../src/kernel/seccomp/architecture.ts'
import type { OciMount, OciSeccomp } from '../../../src/runc/spec.ts'
import { ContainerHost } from './container-host.ts'
import { dockerCapabilities, sampleSpec } from './sample-spec.ts'

const root = process.getuid?.() === 0

const seccomp = (): OciSeccomp =>
  resolveProfile(defaultProfile, { capabilities: [...dockerCapabilities], kernel: { major: 6, minor: 1 }, architecture: nativeArchitecture() })

const bind = (destination: string): OciMount => ({ destination, type: 'bind', source: '/etc/hosts', options: ['bind', 'ro'] })

describe('a container made by a program', { skip: !root && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  after(() => host.close())

  test('has namespaces of its own, as the kernel sees them', async () => {
    const container = await host.create(sampleSpec(host.rootfs, { args: ['sleep', '100'] }))
    await container.monitor.start()
    for (const name of ['mnt', 'net', 'uts', 'pid', 'ipc', 'cgroup']) {
      assert.notEqual(readlinkSync(`/proc/${container.monitor.pid}/ns/${name}`), readlinkSync(`/proc/self/ns/${name}`), name)
    }
    assert.equal(readlinkSync(`/proc/${container.monitor.pid}/ns/user`), readlinkSync('/proc/self/ns/user'))
    const status = readFileSync(`/proc/${container.monitor.pid}/status`, 'utf8')
    for (const set of ['CapPrm', 'CapEff', 'CapBnd']) assert.match(status, new RegExp(`^${set}:\t00000000a80425fb$`, 'm'))
    for (const set of ['CapInh', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\t0000000000000000$`, 'm'))
    assert.deepEqual(readdirSync(`/proc/${container.monitor.pid}/fd`), ['0', '1', '2'])
    assert.equal(readlinkSync(`/proc/${container.monitor.pid}/cwd`), '/')
    const cgroups = readFileSync(`/proc/${container.monitor.pid}/cgroup`, 'utf8').trim().split('\n')
    assert.deepEqual(cgroups.filter((line) => !line.endsWith(`:${container.cgroupPath}`)), [])
    await container.kill()
  })

  test('gets the exit code of its command', async () => {
    assert.deepEqual(await host.run('echo out; echo err >&2; exit 42'), { code: 42, stdout: 'out\n', stderr: 'err\n' })
    assert.equal((await host.run('kill -TERM $$; sleep 1; kill -KILL $$; exit 3')).code, 3, 'PID 1 has no default handlers')
  })

  test('runs under the default seccomp profile with and without no_new_privs, as root and as a user', async () => {
    for (const noNewPrivileges of [false, true]) {
      for (const uid of [0, 1000]) {
        const { stdout, stderr } = await host.run('grep -E "^(Seccomp|CapEff|CapPrm|NoNewPrivs|Uid|Gid|Groups):" /proc/self/status; umount /proc', (spec) => {
          spec.linux!.seccomp = seccomp()
          spec.process!.noNewPrivileges = noNewPrivileges
          if (uid === 0) return
          spec.process!.user = { uid, gid: 1000, additionalGids: [1000, 50] }
          spec.process!.capabilities = { bounding: [...dockerCapabilities] }
        })
        const id = uid === 0 ? 0 : 1000
        const caps = uid === 0 ? '00000000a80425fb' : '0000000000000000'
        assert.match(stdout, /^Seccomp:\t2$/m)
        assert.match(stdout, new RegExp(`^NoNewPrivs:\t${Number(noNewPrivileges)}$`, 'm'))
        assert.match(stdout, new RegExp(`^Uid:\t${id}\t${id}\t${id}\t${id}$`, 'm'))
        assert.match(stdout, new RegExp(`^Gid:\t${id}\t${id}\t${id}\t${id}$`, 'm'))
        assert.match(stdout, new RegExp(`^Groups:\t${uid === 0 ? '0' : '50 1000'} $`, 'm'))
        assert.match(stdout, new RegExp(`^CapEff:\t${caps}$`, 'm'))
        assert.match(stdout, new RegExp(`^CapPrm:\t${caps}$`, 'm'))
        assert.match(stderr, /Operation not permitted/)
      }
    }
  })

  test('hands ambient capabilities on to a user', async () => {
    const { stdout } = await host.run('grep -E "^Cap(Eff|Amb)" /proc/self/status', (spec) => {
      const sets = ['CAP_NET_BIND_SERVICE']
      spec.process!.user = { uid: 1000, gid: 1000 }
      spec.process!.capabilities = { bounding: sets, effective: sets, permitted: sets, inheritable: sets, ambient: sets }
    })
    assert.equal(stdout, 'CapEff:\t0000000000000400\nCapAmb:\t0000000000000400\n')
  })

  test('with every capability has those of the host, however few', async () => {
    const { stdout } = await host.run('grep CapEff /proc/self/status', (spec) => {
      const all = [...capabilitiesOf((1n << 41n) - 1n)]
      spec.process!.capabilities = { bounding: all, effective: all, permitted: all }
    })
    assert.equal(BigInt(`0x${stdout.trim().split('\t')[1]}`), ownCapabilities())
  })

  test('has the devices of the OCI specification and no others', async () => {
    const { stdout } = await host.run('cd /dev; for f in *; do stat -c "%n %F %a %t:%T" $f; done')
    assert.deepEqual(stdout.trim().split('\n'), [
      'core symbolic link 777 0:0', 'fd symbolic link 777 0:0', 'full character special file 666 1:7', 'mqueue directory 1777 0:0',
      'null character special file 666 1:3', 'ptmx symbolic link 777 0:0', 'pts directory 755 0:0', 'random character special file 666 1:8',
      'shm directory 1777 0:0', 'stderr symbolic link 777 0:0', 'stdin symbolic link 777 0:0', 'stdout symbolic link 777 0:0',
      'tty character special file 666 5:0', 'urandom character special file 666 1:9', 'zero character special file 666 1:5',
    ])
  })

  test('cannot open a device of the host that it made a node for', async () => {
    const disk = /^ *(\d+) +(\d+) +\d+ +vda$/m.exec(readFileSync('/proc/partitions', 'latin1')) ?? ['', '1', '1']
    const { stdout, stderr } = await host.run(`mknod /tmp/disk b ${disk[1]} ${disk[2]} && echo made; dd if=/tmp/disk of=/dev/null count=1`)
    rmSync(join(host.rootfs, 'tmp/disk'), { force: true })
    assert.equal(stdout, 'made\n')
    assert.match(stderr, /Operation not permitted/)
  })

  test('sees masked files empty, masked directories empty, and cannot write to read-only paths', async () => {
    const { stdout, stderr } = await host.run('cat /proc/keys /proc/kcore; ls -A /sys/firmware /proc/acpi; echo 1 > /proc/sys/kernel/core_pattern; touch /sys/firmware/x')
    assert.doesNotMatch(stdout, /[0-9a-z]{4}.*perm|keyring/)
    assert.match(stderr, /core_pattern: Read-only file system/)
    assert.match(stderr, /\/sys\/firmware\/x: Read-only file system/)
  })

  test('with a read-only root can write to mounts only', async () => {
    const { stdout, stderr } = await host.run('touch /x; touch /dev/shm/x && echo written; pwd', (spec) => {
      spec.root!.readonly = true
      spec.process!.cwd = '/made/for/it'
    })
    assert.match(stderr, /^touch: \/x: Read-only file system$/m)
    assert.equal(stdout, 'written\n/made/for/it\n')
  })

  test('binds files and directories, read-only where asked', async () => {
    const source = join(host.directory, 'source')
    mkdirSync(join(source, 'sub'), { recursive: true })
    writeFileSync(join(source, 'file'), 'content\n')
    const { stdout, stderr } = await host.run('cat /new/file /data/file; touch /data/y && touch /ro/x; grep -c " /data .*shared" /proc/self/mountinfo', (spec) => {
      spec.mounts!.push(
        { destination: '/data', type: 'bind', source, options: ['rbind', 'rprivate'] },
        { destination: '/ro', type: 'bind', source, options: ['rbind', 'rprivate', 'ro'] },
        { destination: '/new/file', type: 'bind', source: join(source, 'file'), options: ['bind', 'ro', 'nosuid'] },
      )
    })
    assert.equal(stdout, 'content\ncontent\n0\n')
    assert.match(stderr, /\/ro\/x: Read-only file system/)
    assert.ok(existsSync(join(source, 'y')))
  })

  test('keeps a mount inside the root, whatever symlinks the image has', async () => {
    const outside = join(host.directory, 'outside')
    mkdirSync(outside)
    symlinkSync('/', join(host.rootfs, 'up'))
    symlinkSync(`../../../../../..${outside}`, join(host.rootfs, 'escape'))
    const { code } = await host.run('test -f /bin/inside', (spec) => void spec.mounts!.push(bind('/up/bin/inside')))
    assert.equal(code, 0)
    assert.ok(!existsSync('/bin/inside'))
    // As in Docker it is made where the link leads, which is in the root.
    assert.equal((await host.run(`test -f ${outside}/deep/hosts`, (spec) => void spec.mounts!.push(bind('/escape/deep/hosts')))).code, 0)
    assert.deepEqual(readdirSync(outside), [], 'nothing was made outside')
    rmSync(join(host.rootfs, outside), { recursive: true })
    for (const name of ['up', 'escape']) rmSync(join(host.rootfs, name))
  })

  test('refuses to mount /proc through a symlink', async () => {
    symlinkSync('/tmp', join(host.rootfs, 'proc-link'))
    await assert.rejects(
      host.run('true', (spec) => {
        spec.mounts![0]!.destination = '/proc-link'
      }),
      { label: 'look for /proc-link', code: 'ELOOP' },
    )
    rmSync(join(host.rootfs, 'proc-link'))
  })

  test('refuses a working directory that a magic link leads to', async () => {
    const leak = openSync('/', 'r')
    for (const cwd of ['/proc/self/fd/3', `/proc/self/fd/${leak}`, '/proc/self/cwd/..']) {
      await assert.rejects(host.run('pwd', (spec) => void (spec.process!.cwd = cwd)), ProgramFailure, cwd)
    }
    closeSync(leak)
  })

  test('sets limits, hostname, sysctls, umask and resource limits', async () => {
    const script = 'hostname; umask; ulimit -n; cat /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/pids/pids.max'
    const { stdout, stderr } = await host.run(script, (spec) => {
      spec.linux!.sysctl = { 'net.ipv4.ip_forward': '1' }
      spec.linux!.resources = { memory: { limit: 64 << 20, swap: 128 << 20 }, cpu: { shares: 512 }, pids: { limit: 50 } }
      spec.process!.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }]
      spec.process!.oomScoreAdj = 100
    })
    if (host.layout.mode === 'v2') return
    assert.equal(stderr, '')
    assert.equal(stdout, 'sample\n0022\n100\n1\n100\n67108864\n512\n50\n')
  })

  test('moves its clocks when asked', async () => {
    const { stdout } = await host.run('cat /proc/uptime', (spec) => {
      spec.linux!.namespaces!.push({ type: 'time' })
      spec.linux!.timeOffsets = { boottime: { secs: 1_000_000, nanosecs: 0 } }
    })
    assert.ok(Number(stdout.split(' ')[0]) > 1_000_000)
  })

  test('joins the namespaces of another container', async () => {
    const first = await host.create(sampleSpec(host.rootfs, { args: ['sleep', '100'] }))
    await first.monitor.start()
    const files = { network: 'net', ipc: 'ipc', pid: 'pid' } as const
    const { stdout } = await host.run('for n in net ipc pid; do readlink /proc/self/ns/$n; done; readlink /proc/1/exe', (spec) => {
      for (const namespace of spec.linux!.namespaces!) {
        if (namespace.type in files) namespace.path = `/proc/${first.monitor.pid}/ns/${files[namespace.type as keyof typeof files]}`
      }
    })
    const links = Object.values(files).map((name) => readlinkSync(`/proc/${first.monitor.pid}/ns/${name}`))
    assert.deepEqual(stdout.split('\n').slice(0, 3), links)
    await first.kill()
  })
})
