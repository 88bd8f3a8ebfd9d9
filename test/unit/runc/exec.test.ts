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
