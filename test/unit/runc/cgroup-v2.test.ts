import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { detectLayout, type CgroupLayout } from '../../../src/kernel/cgroup/layout.ts'
import { freeze, isFrozen, thaw } from '../../../src/kernel/cgroup/freezer.ts'
import { killAll, listProcesses } from '../../../src/kernel/cgroup/processes.ts'
import { ContainerHost } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'

const unified = process.getuid?.() === 0 ? detectLayout().hierarchies.find(({ version }) => version === 2) : undefined

/** The v2 tree of the host as if it were the only one; on a hybrid host it has no controllers, which the tests do not need. */
function v2Only(): CgroupLayout {
  return { mode: 'v2', root: unified!.mountpoint, hierarchies: [{ ...unified!, name: '' }] }
}

describe('a container on cgroup v2', { skip: unified === undefined && 'needs root and a cgroup2 tree', concurrency: false }, () => {
  const host = new ContainerHost(unified === undefined ? undefined : v2Only())
  after(() => host.close())

  test('is born in its cgroup and sees it as the top', async () => {
    const { stdout, stderr } = await host.run('cat /sys/fs/cgroup/cgroup.procs; grep " /sys/fs/cgroup " /proc/self/mountinfo; echo 1 > /sys/fs/cgroup/cgroup.procs')
    assert.match(stdout, /^1\n\d+\n\d+ \d+ \S+ \/ \/sys\/fs\/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup /)
    assert.match(stderr, /Read-only file system/)
  })

  test('without a cgroup namespace sees its part of the tree', async () => {
    const { stdout } = await host.run('grep " /sys/fs/cgroup " /proc/self/mountinfo', (spec) => {
      spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'cgroup')
    })
    assert.match(stdout, new RegExp(`^\\d+ \\d+ \\S+ ${host.parent}/\\d+ /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2`))
  })

  test('may use the devices of the rules and no others', async () => {
    // Devices that need no capability to be opened.
    const minor = Number(/^ *(\d+) (?:fuse|tun|cpu_dma_latency)$/m.exec(readFileSync('/proc/misc', 'latin1'))?.[1])
    const script = `mknod /tmp/a c 10 ${minor}; mknod /tmp/z c 1 5; ( : < /tmp/z ) && echo zero; ( : < /tmp/a ) && echo read; ( : > /tmp/a ) && echo written; rm /tmp/a /tmp/z`
    assert.equal((await host.run(script)).stdout, 'zero\n')
    const allowed = await host.run(script, (spec) => {
      spec.linux!.resources!.devices!.push({ allow: true, type: 'c', major: 10, minor, access: 'r' })
    })
    assert.equal(allowed.stdout, 'zero\nread\n')
    const privileged = await host.run(script, (spec) => {
      spec.linux!.resources!.devices = [{ allow: true, access: 'rwm' }]
    })
    assert.equal(privileged.stdout, 'zero\nread\nwritten\n')
  })

  test('in a user namespace owns its cgroup when it may write to it', async () => {
    const { stdout, stderr } = await host.run('cd /sys/fs/cgroup; stat -c "%u:%g" . cgroup.procs; mkdir inner && echo made; echo $$ > inner/cgroup.procs && cat /proc/self/cgroup', (spec) => {
      spec.linux!.namespaces!.push({ type: 'user' })
      const ids = [{ containerID: 0, hostID: 400_000, size: 65_536 }]
      Object.assign(spec.linux!, { uidMappings: ids, gidMappings: ids })
      for (const mount of spec.mounts!) if (mount.type === 'cgroup') mount.options = ['nosuid', 'noexec', 'nodev', 'rw']
    })
    assert.equal(stderr, '')
    assert.match(stdout, /^0:0\n0:0\nmade\n/)
    assert.match(stdout, /^0::\/inner$/m)
  })

  test('can be frozen, thawed, listed and killed', async () => {
    const container = await host.create(sampleSpec(host.rootfs, { args: ['sh', '-c', 'sleep 100 & sleep 100'] }))
    await container.monitor.start()
    const { layout } = host
    await freeze(layout, container.cgroupPath)
    assert.ok(isFrozen(layout, container.cgroupPath))
    await thaw(layout, container.cgroupPath)
    assert.ok(!isFrozen(layout, container.cgroupPath))
    assert.ok(listProcesses(layout, container.cgroupPath).includes(container.monitor.pid))
    await killAll(layout, container.cgroupPath)
    assert.equal((await container.monitor.wait()).code, 137)
    container.monitor.close()
    assert.deepEqual(listProcesses(layout, container.cgroupPath), [])
  })

  test('takes a further process in', async () => {
    const container = await host.create(sampleSpec(host.rootfs, { args: ['sleep', '100'] }))
    await container.monitor.start()
    assert.equal((await container.exec({ args: ['cat', '/proc/self/cgroup'] })).stdout.split('\n').at(-2), '0::/')
    await container.kill()
  })
})
