import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { capabilityMask, ownCapabilities } from '../../../src/kernel/capabilities.ts'
import { hostSecurity } from '../../../src/runc/security.ts'
import type { OciProcess } from '../../../src/runc/spec.ts'
import { ContainerHost, type Container } from './container-host.ts'
import { sampleSpec } from './sample-spec.ts'

/** Field of /proc/<pid>/stat, counted from 1 as in man 5 proc_pid_stat. */
function stat({ monitor: { pid } }: Container, field: number): string | undefined {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3]
}

describe('a process of a container', { skip: process.getuid?.() !== 0 && 'needs root', concurrency: false }, () => {
  const host = new ContainerHost()
  after(() => host.close())

  async function started(change: Partial<OciProcess>, linux: object = {}): Promise<Container> {
    const spec = sampleSpec(host.rootfs, { args: ['sleep', '100'], ...change })
    Object.assign(spec.linux!, linux)
    const container = await host.create(spec)
    await container.monitor.start()
    return container
  }

  test('runs under the policy, priority and niceness of process.scheduler', async () => {
    const batch = await started({ scheduler: { policy: 'SCHED_BATCH', nice: 5 } })
    assert.deepEqual([stat(batch, 41), stat(batch, 19)], ['3', '5'])
    await batch.kill()
    const idle = await started({ scheduler: { policy: 'SCHED_IDLE' } })
    assert.equal(stat(idle, 41), '5')
    await idle.kill()
  })

  test('has its I/O priority', async () => {
    const { stdout } = await host.run('ionice -p $$', (spec) => {
      spec.process!.ioPriority = { class: 'IOPRIO_CLASS_IDLE', priority: 0 }
    })
    assert.match(stdout, /^idle/)
  })

  test('has its memory policy', async () => {
    const container = await started({}, { memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] } })
    assert.match(readFileSync(`/proc/${container.monitor.pid}/numa_maps`, 'utf8'), / bind=static:0 /)
    await container.kill()
  })

  test('runs in a further process on the CPUs of execCPUAffinity', async () => {
    const container = await started({})
    const { stdout } = await container.exec({ args: ['grep', 'Cpus_allowed_list', '/proc/self/status'], execCPUAffinity: { initial: '0', final: '1' } })
    assert.equal(stdout, 'Cpus_allowed_list:\t1\n')
    const initial = await container.exec({ args: ['grep', 'Cpus_allowed_list', '/proc/self/status'], execCPUAffinity: { initial: '0' } })
    assert.equal(initial.stdout, 'Cpus_allowed_list:\t0\n')
    await assert.rejects(container.exec({ execCPUAffinity: { final: '8000' } }), { label: 'set process.execCPUAffinity.final to 8000', code: 'EINVAL' })
    await container.kill()
  })

  test('cannot raise a limit without the right, and is told which', { skip: (ownCapabilities() & capabilityMask(['CAP_SYS_RESOURCE'])) !== 0n && 'this host may raise limits' }, async () => {
    const [, hard = ''] = /^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    const spec = sampleSpec(host.rootfs)
    spec.process!.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 1, hard: Number(hard) + 1 }]
    await assert.rejects(host.create(spec), { label: `set process.rlimits RLIMIT_NOFILE to 1:${Number(hard) + 1}`, code: 'EPERM' })
    const clipped = await host.run('cat /proc/self/oom_score_adj', ({ process }) => void (process!.oomScoreAdj = -900))
    assert.equal(clipped.stdout, readFileSync('/proc/self/oom_score_adj', 'utf8'))
  })

  test('is refused a confinement that the host lacks', async () => {
    const security = hostSecurity()
    const refused: [boolean, Partial<OciProcess>, object, string][] = [
      [security.apparmor, { apparmorProfile: 'docker-default' }, {}, 'process.apparmorProfile: this host has no AppArmor for profile docker-default'],
      [security.selinux, { selinuxLabel: 'system_u:system_r:x_t:s0' }, {}, 'process.selinuxLabel: this host has no SELinux'],
      [security.selinux, {}, { mountLabel: 'system_u:object_r:x_t:s0' }, 'linux.mountLabel: this host has no SELinux'],
      [security.resctrl, {}, { intelRdt: {} }, 'linux.intelRdt: this host has no resctrl at /sys/fs/resctrl'],
    ]
    for (const [has, change, linux, message] of refused) {
      if (has) continue
      const spec = sampleSpec(host.rootfs, change)
      Object.assign(spec.linux!, linux)
      await assert.rejects(host.create(spec), { message: `cannot use specification: ${message}` })
    }
  })
})
