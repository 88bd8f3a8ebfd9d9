import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { capabilityMask, capabilityNames } from '../../../src/kernel/capabilities.ts'
import { detectLayout, type CgroupLayout } from '../../../src/kernel/cgroup/layout.ts'
import { decodeProgram, encodeProgram } from '../../../src/kernel/program-codec.ts'
import { explain } from '../../../src/kernel/program-explain.ts'
import type { Program } from '../../../src/kernel/program.ts'
import { compileContainer } from '../../../src/runc/compile-container.ts'
import { compileExec } from '../../../src/runc/compile-exec.ts'
import type { OciSpec } from '../../../src/runc/spec.ts'
import { sampleSpec } from './sample-spec.ts'

// To accept new programs: UPDATE_GOLDEN=1 make test-unit, then read the difference.
const update = process.env.UPDATE_GOLDEN === '1'

const mountRow = (path: string, type: string, options: string): string => `31 30 0:9 / ${path} rw,relatime - ${type} ${type} rw,${options}`
const v1 = detectLayout(
  [mountRow('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'), ...['memory', 'pids', 'devices', 'cpuset'].map((name) => mountRow(`/sys/fs/cgroup/${name}`, 'cgroup', name))].join('\n'),
)
const v2 = detectLayout(mountRow('/sys/fs/cgroup', 'cgroup2', 'nsdelegate'), () => ['cpu', 'cpuset', 'io', 'memory', 'pids'])

const common = { rootfs: '/merged', directory: '/run/gantry/containers/id', cgroupPath: '/docker/id', capabilities: capabilityMask(capabilityNames) }
const isDirectory = (path: string): boolean => !path.endsWith('.file')

function container(layout: CgroupLayout, change: (spec: OciSpec) => void = () => {}, terminal = false): Program {
  const spec = sampleSpec(common.rootfs)
  change(spec)
  return compileContainer({ ...common, spec, layout, isDirectory, stdio: { terminal, stdin: true, logPath: '/log' } })
}

const programs: Record<string, () => Program> = {
  'default-on-v1': () => container(v1),
  'limits-on-v1': () => container(v1, (spec) => void (spec.linux!.resources = { memory: { limit: 1 << 26, swap: 1 << 27 }, cpu: { shares: 512, quota: 50_000, period: 100_000 }, pids: { limit: 100 } })),
  'limits-on-v2': () => container(v2, (spec) => void (spec.linux!.resources = { memory: { limit: 1 << 26, swap: 1 << 27 }, cpu: { shares: 512, quota: 50_000, period: 100_000 }, pids: { limit: 100 } })),
  'terminal-and-user-on-v2': () =>
    container(v2, (spec) => {
      Object.assign(spec.process!, { terminal: true, user: { uid: 1000, gid: 1000, additionalGids: [1000, 27] }, cwd: '/home/user', args: ['/bin/sh'], noNewPrivileges: true })
      spec.process!.capabilities = { bounding: ['CAP_CHOWN'] }
      spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['reboot'], action: 'SCMP_ACT_ERRNO' }] }
    }, true),
  'binds-and-read-only-root': () =>
    container(v2, (spec) => {
      spec.root!.readonly = true
      spec.mounts!.push(
        { destination: '/data', type: 'bind', source: '/srv/data', options: ['rbind', 'rprivate', 'ro'] },
        { destination: '/etc/hosts', type: 'bind', source: '/srv/hosts.file', options: ['bind', 'nosuid'] },
        { destination: '/shared', type: 'bind', source: '/srv/shared', options: ['rbind', 'rslave'] },
      )
    }),
  'joined-namespaces': () =>
    container(v1, (spec) => {
      for (const namespace of spec.linux!.namespaces!) if (['pid', 'network', 'ipc'].includes(namespace.type)) namespace.path = `/proc/7/ns/${namespace.type}`
    }),
  exec: () => compileExec({ ...common, pid: 7, process: { ...sampleSpec('/').process!, cwd: '/tmp', args: ['ls', '-l'] }, seccomp: undefined, layout: v1, stdio: { terminal: false, stdin: false } }),
}

describe('the program of', { skip: process.arch !== 'x64' && 'flags differ by architecture' }, () => {
  for (const [name, compile] of Object.entries(programs)) {
    test(`${name} is the one on record`, () => {
      const file = new URL(`golden/${name}.txt`, import.meta.url)
      const text = `${explain(compile()).join('\n')}\n`
      if (update) writeFileSync(file, text)
      assert.equal(text, readFileSync(file, 'utf8'))
    })
  }

  test('a container survives encoding', () => {
    const program = programs['terminal-and-user-on-v2']!()
    assert.deepEqual(explain(decodeProgram(encodeProgram(program))), explain(program))
  })
})
