import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { capabilityMask, capabilityNames } from '../../../src/kernel/capabilities.ts'
import { detectLayout, type CgroupLayout } from '../../../src/kernel/cgroup/layout.ts'
import { decodeProgram, encodeProgram } from '../../../src/kernel/program-codec.ts'
import { explain } from '../../../src/kernel/program-explain.ts'
import type { Program } from '../../../src/kernel/program.ts'
import { compileContainer, type CompileContainer } from '../../../src/runc/compile-container.ts'
import { compileExec } from '../../../src/runc/compile-exec.ts'
import type { TreeEntry } from '../../../src/runc/mounts/copy-up.ts'
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

const kernelParts = { apparmor: true, selinux: true, resctrl: true }
const readTree = (): TreeEntry[] => [
  { path: 'lock', kind: 'directory', mode: 0o755, uid: 0, gid: 0 },
  { path: 'lock/file', kind: 'file', mode: 0o644, uid: 1, gid: 2 },
  { path: 'link', kind: 'symlink', mode: 0o777, uid: 0, gid: 0, target: 'lock' },
]

function inUserNamespace(spec: OciSpec): void {
  spec.linux!.namespaces!.push({ type: 'user' })
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  Object.assign(spec.linux!, { uidMappings: ids, gidMappings: ids })
}

function container(layout: CgroupLayout, change: (spec: OciSpec) => void = () => {}, terminal = false, more: Partial<CompileContainer> = {}): Program {
  const spec = sampleSpec(common.rootfs)
  change(spec)
  return compileContainer({ ...common, spec, layout, isDirectory, readTree, security: kernelParts, caller: { uid: 0, gid: 0 }, stdio: { terminal, stdin: true, logPath: '/log' }, ...more })
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
  'user-namespace-with-devices-and-rlimits': () =>
    container(v2, (spec) => {
      inUserNamespace(spec)
      spec.process!.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }]
      spec.process!.oomScoreAdj = 5
      spec.mounts!.push({ destination: '/data', type: 'bind', source: '/srv/data', options: ['rbind', 'rslave'] })
      for (const mount of spec.mounts!) if (mount.type === 'cgroup') mount.options = ['nosuid']
    }),
  'joined-user-namespace': () => container(v1, (spec) => void spec.linux!.namespaces!.push({ type: 'user', path: '/proc/7/ns/user' })),
  'ordinary-user-with-subordinate-ids': () =>
    container({ ...v1, hierarchies: [] }, (spec) => {
      inUserNamespace(spec)
      for (const field of ['uidMappings', 'gidMappings'] as const) spec.linux![field] = [{ containerID: 0, hostID: 1000, size: 1 }, { containerID: 1, hostID: 100_000, size: 65_536 }]
      delete spec.linux!.resources
    }, false, { caller: { uid: 1000, gid: 1000 } }),
  'block-io-and-rdma-on-v2': () =>
    container({ ...v2, hierarchies: v2.hierarchies.map((tree) => ({ ...tree, controllers: [...tree.controllers, 'rdma', 'hugetlb'] })) }, (spec) => {
      spec.linux!.resources = {
        blockIO: { weight: 500, weightDevice: [{ major: 8, minor: 0, weight: 100 }], throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] },
        rdma: { mlx5_0: { hcaHandles: 3, hcaObjects: 4 } }, hugepageLimits: [{ pageSize: '2MB', limit: 0 }], unified: { 'memory.high': '1G' },
      }
    }),
  'hooks-inside': () =>
    container(v2, (spec) => {
      spec.hooks = { createContainer: [{ path: '/usr/bin/hook', args: ['hook', 'x'], env: ['A=b'], timeout: 5 }], startContainer: [{ path: '/bin/ready' }] }
    }),
  'mapped-mount-and-copy-up': () =>
    container(v2, (spec) => {
      const map = [{ containerID: 0, hostID: 1000, size: 10 }]
      spec.mounts!.push({ destination: '/data', type: 'bind', source: '/srv/data', options: ['rbind', 'rro'], uidMappings: map, gidMappings: map }, { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'tmpcopyup'] })
    }),
  'seccomp-listener': () =>
    container(v2, (spec) => {
      spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/run/listener', listenerMetadata: 'm', syscalls: [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }] }
    }),
  'confinement-and-settings': () =>
    container(v2, (spec) => {
      Object.assign(spec.process!, {
        apparmorProfile: 'docker-default', scheduler: { policy: 'SCHED_DEADLINE', runtime: 10_000, deadline: 20_000, period: 30_000, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
        ioPriority: { class: 'IOPRIO_CLASS_RT', priority: 3 }, oomScoreAdj: -5,
      })
      Object.assign(spec.linux!, {
        personality: { domain: 'LINUX32' }, memoryPolicy: { mode: 'MPOL_INTERLEAVE', nodes: '0-1' }, intelRdt: { schemata: ['L3:0=ff'], enableMonitoring: true }, timeOffsets: { boottime: { secs: 10, nanosecs: 5 } },
        mountLabel: 'system_u:object_r:container_file_t:s0',
      })
      spec.linux!.namespaces!.push({ type: 'time' })
    }),
  'exec-in-a-user-namespace-as-an-ordinary-user': () =>
    compileExec({
      ...common, pid: 7, seccomp: undefined, layout: { ...v1, hierarchies: [] }, stdio: { terminal: false, stdin: false }, security: kernelParts,
      process: { ...sampleSpec('/').process!, args: ['ls'], execCPUAffinity: { initial: '0', final: '0-1' }, apparmorProfile: 'docker-default' },
      users: { kind: 'joined', uids: [], gids: [], privileged: false, setsGroups: false, caller: { uid: 1000, gid: 1000 }, shared: ['time'] },
    }),
  'exec-where-the-container-may-trace': () =>
    compileExec({
      ...common, pid: 7, watched: true, seccomp: { defaultAction: 'SCMP_ACT_ALLOW' }, layout: v2, stdio: { terminal: true, stdin: false }, security: kernelParts,
      process: { ...sampleSpec('/').process!, args: ['ls'], oomScoreAdj: 5, user: { uid: 1000, gid: 1000 }, capabilities: { bounding: ['CAP_SYS_PTRACE'], permitted: ['CAP_SYS_PTRACE'] } },
      users: { kind: 'own', uids: [], gids: [], privileged: true, setsGroups: true, caller: { uid: 0, gid: 0 } },
    }),
  exec: () => compileExec({ ...common, pid: 7, watched: false, users: { kind: 'own', uids: [], gids: [], privileged: true, setsGroups: true, caller: { uid: 0, gid: 0 } }, security: kernelParts, process: { ...sampleSpec('/').process!, cwd: '/tmp', args: ['ls', '-l'] }, seccomp: undefined, layout: v1, stdio: { terminal: false, stdin: false } }),
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
