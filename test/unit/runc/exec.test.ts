import assert from 'node:assert/strict'
import { readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { listProcesses } from '../../../src/kernel/cgroup/processes.ts'
import { nativeArchitecture } from '../../../src/kernel/seccomp/architecture.ts'
import { defaultProfile } from '../../../src/kernel/seccomp/default-profile.ts'
import { resolveProfile } from '../../../src/kernel/seccomp/profile.ts'
import { ContainerHost, type Container } from './container-host.ts'
import type { OciSeccomp, OciSpec } from '../../../src/runc/spec.ts'
import { dockerCapabilities, sampleSpec } from './sample-spec.ts'

describe('a further process in a container', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  let container: Container

  before(async () => {
    const spec = sampleSpec(host.rootfs, { args: ['sleep', '1000'] })
    spec.linux!.seccomp = resolveProfile(defaultProfile, { capabilities: [...dockerCapabilities], kernel: { major: 6, minor: 1 }, architecture: nativeArchitecture() })
    container = await host.create(spec)
    await container.monitor.start()
  })
  after(async () => {
    await container.kill()
    await host.close()
  })

  test('is in all namespaces of the first', async () => {
    const names = ['mnt', 'net', 'uts', 'pid', 'ipc', 'cgroup', 'user']
    const { stdout } = await container.exec({ args: ['sh', '-c', `for n in ${names.join(' ')}; do readlink /proc/self/ns/$n; done`] })
    assert.deepEqual(stdout.trim().split('\n'), names.map((name) => readlinkSync(`/proc/${container.monitor.pid}/ns/${name}`)))
  })

  test('is in the cgroups, under the filter, with the capabilities and descriptors of the first', async () => {
    const { stdout } = await container.exec({ args: ['sh', '-c', 'cat /proc/self/cgroup; grep -E "^(Seccomp|CapEff|CapBnd):" /proc/self/status; ls /proc/$$/fd'] })
    const lines = stdout.trim().split('\n')
    assert.deepEqual(lines.filter((line) => line.includes('::') || /^\d+:/.test(line)).filter((line) => !line.endsWith(':/')), [])
    assert.match(stdout, /CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nSeccomp:\t2\n0\n1\n2\n3\n$/, '3 is the directory that ls reads')
  })

  test('has a user, directory and environment of its own', async () => {
    const { stdout } = await container.exec({ args: ['sh', '-c', 'id -u; pwd; echo $X'], user: { uid: 1234, gid: 5 }, cwd: '/tmp', env: ['PATH=/bin', 'X=y'] })
    assert.equal(stdout, '1234\n/tmp\ny\n')
  })

  test('has a terminal when asked', async () => {
    const { stdout } = await container.exec({ args: ['sh', '-c', 'tty; stty size; echo in colour > /dev/tty'], terminal: true, consoleSize: { width: 100, height: 30 } })
    assert.equal(stdout, '/dev/pts/0\r\n30 100\r\nin colour\r\n')
  })

  test('fails with the directory that is missing', async () => {
    await assert.rejects(container.exec({ cwd: '/nowhere' }), { message: 'chdir to cwd ("/nowhere") set in config.json failed: no such file or directory' })
  })

  test('fails with the command that cannot be executed', async () => {
    writeFileSync(join(host.rootfs, 'tmp/text'), 'neither\0program nor script')
    const failures: [string, string][] = [['nothing', 'ENOENT'], ['/bin/nothing', 'ENOENT'], ['/tmp', 'EISDIR'], ['/tmp/text', 'EACCES'], ['text', 'ENOENT'], ['/bin/sh/x', 'ENOTDIR']]
    for (const [command, code] of failures) {
      await assert.rejects(container.exec({ args: [command], env: ['PATH=/tmp:/bin'] }), { label: `execute ${JSON.stringify(command)}`, code }, command)
    }
  })

  test('leaves only the first in the cgroup when it ends', async () => {
    // One that failed is reported a moment before it has gone.
    for (let wait = 0; wait < 100 && listProcesses(host.layout, container.cgroupPath).length > 1; wait++) await sleep(10)
    assert.deepEqual(listProcesses(host.layout, container.cgroupPath), [container.monitor.pid])
  })
})

describe('a further process in a container that may trace', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  const filtered = (profile: OciSeccomp): OciSpec => {
    const spec = sampleSpec(host.rootfs, { args: ['sleep', '1000'] })
    for (const set of ['bounding', 'permitted', 'effective'] as const) spec.process!.capabilities![set]!.push('CAP_SYS_PTRACE')
    spec.linux!.seccomp = profile
    return spec
  }
  const docker = resolveProfile(defaultProfile, { capabilities: [...dockerCapabilities], kernel: { major: 6, minor: 1 }, architecture: nativeArchitecture() })
  const profiles: Record<string, OciSeccomp> = {
    'that of Docker': docker,
    'one that lets no process be made': { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['clone', 'clone3', 'fork', 'vfork'], action: 'SCMP_ACT_ERRNO' }] },
    'one that allows little': { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: docker.syscalls!.flatMap(({ names }) => names).filter((name) => !['setsid', 'close_range', 'clone'].includes(name)), action: 'SCMP_ACT_ALLOW' }] },
  }
  after(() => host.close())

  for (const [name, profile] of Object.entries(profiles)) {
    test(`is what it is elsewhere, under a filter like ${name}`, async () => {
      const container = await host.create(filtered(profile))
      await container.monitor.start()
      const script = 'while read -r name value rest; do case $name in Seccomp:|CapEff:|CapBnd:|NoNewPrivs:|Uid:) echo "$name $value";; esac; done </proc/self/status; read -r a b c d pgrp session rest </proc/self/stat; [ $pgrp = $session ] && echo "leads its session"; ulimit -n'
      const { code, stdout, stderr } = await container.exec({ args: ['sh', '-c', script], rlimits: [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 88 }], oomScoreAdj: 12 })
      assert.deepEqual([code, stdout, stderr], [0, 'Uid: 0\nCapEff: 00000000a80c25fb\nCapBnd: 00000000a80c25fb\nNoNewPrivs: 0\nSeccomp: 2\nleads its session\n77\n', ''])
      const terminal = await container.exec({ args: ['sh', '-c', 'echo in colour >/dev/tty'], terminal: true, user: { uid: 1234, gid: 5 } })
      assert.equal(terminal.stdout, 'in colour\r\n')
      await assert.rejects(container.exec({ args: ['/tmp'] }), { label: 'execute "/tmp"', code: 'EISDIR' })
      await assert.rejects(container.exec({ cwd: '/nowhere' }), { message: 'chdir to cwd ("/nowhere") set in config.json failed: no such file or directory' })
      await container.kill()
    })
  }

  test('does not count who made it against a limit of processes', async () => {
    const container = await host.create(filtered(docker))
    await container.monitor.start()
    const { code, stderr } = await container.exec({ args: ['true'], user: { uid: 54_321, gid: 5 }, rlimits: [{ type: 'RLIMIT_NPROC', soft: 1, hard: 1 }] })
    assert.deepEqual([code, stderr], [0, ''])
    await container.kill()
  })
})

describe('a container with a terminal', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  after(() => host.close())

  test('has it as its controlling terminal and console', async () => {
    const spec = sampleSpec(host.rootfs, { args: ['sh', '-c', 'tty; stty size; stat -c "%u %t:%T" /dev/pts/0 /dev/console; echo console > /dev/console'], terminal: true, consoleSize: { width: 81, height: 25 } })
    spec.process!.user = { uid: 77, gid: 77 }
    const container = await host.create(spec)
    const { code, stdout } = await container.finish()
    assert.equal(stdout, '/dev/pts/0\r\n25 81\r\n77 88:0\r\n77 88:0\r\nconsole\r\n')
    assert.equal(code, 0)
  })
})
