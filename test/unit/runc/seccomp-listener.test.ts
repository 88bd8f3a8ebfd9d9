import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OciSeccomp } from '../../../src/runc/spec.ts'
import { ContainerHost } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'
import { startSupervisor } from './seccomp-supervisor.ts'

describe('a supervisor of system calls', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  after(() => host.close())

  test('gets the listener of the container and of a further process, and answers for them', async (context) => {
    const path = join(host.directory, 'listener')
    const supervisor = await startSupervisor(context, path)
    const spec = sampleSpec(host.rootfs, { args: ['sh', '-c', 'umount /proc; ls /proc/self/fd; sleep 100'] })
    const seccomp: OciSeccomp = {
      defaultAction: 'SCMP_ACT_ALLOW', listenerPath: path, listenerMetadata: '50% {}', flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
      syscalls: [{ names: ['umount2'], action: 'SCMP_ACT_NOTIFY' }],
    }
    spec.linux!.seccomp = seccomp
    const hook = { path: '/bin/true' }
    spec.hooks = { startContainer: [hook] }
    const container = await host.create(spec, { identity: { id: 'watched', bundle: '/b' } })
    await container.monitor.start()
    const { stderr } = await container.exec({ args: ['sh', '-c', 'umount /proc'] })
    assert.match(stderr, /Remote I\/O error/)
    while (supervisor.said().split('call').length < 3) await sleep(10)
    const [first, second] = supervisor.said().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line.slice(0, line.lastIndexOf(' '))) as Record<string, unknown>)
    const { pid } = container.monitor
    assert.deepEqual(first, { ociVersion: '1.2.0', fds: ['seccompFd'], metadata: '50% {}', pid, state: { ociVersion: '1.2.0', id: 'watched', status: 'creating', pid, bundle: '/b' } })
    assert.equal((second!['state'] as { status: string }).status, 'running')
    assert.equal((second!['state'] as { pid: number }).pid, pid)
    assert.notEqual(second!['pid'], pid)
    await container.kill()
  })

  test('that is not there fails the creation', async () => {
    const spec = sampleSpec(host.rootfs)
    spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/not/there', syscalls: [{ names: ['umount2'], action: 'SCMP_ACT_NOTIFY' }] }
    await assert.rejects(host.create(spec), { label: 'connect to linux.seccomp.listenerPath /not/there', code: 'ENOENT' })
  })
})
