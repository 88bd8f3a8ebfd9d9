import type { OciSpec } from '../../../src/runc/spec.ts'
import { sampleSpec } from '../../unit/runc/sample-spec.ts'

/** A specification that any host can hold, with a value in nearly every field that one can. `source` is a directory of the host. */
export function richSpec(rootfs: string, { source, cgroupsPath }: { source: string; cgroupsPath: string }): OciSpec {
  const spec = sampleSpec(rootfs)
  Object.assign(spec.process!, {
    terminal: false, env: ['PATH=/bin'], rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }], oomScoreAdj: 5, noNewPrivileges: false,
    scheduler: { policy: 'SCHED_OTHER', nice: 1, flags: [] }, ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 }, execCPUAffinity: { initial: '0', final: '0' },
  })
  spec.mounts!.push({ destination: '/data', type: 'bind', source, options: ['rbind', 'ro', 'rslave'] })
  spec.annotations = { a: 'b' }
  const hook = { path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 5 }
  spec.hooks = { createRuntime: [hook], poststop: [hook] }
  spec.linux!.namespaces!.push({ type: 'time' })
  Object.assign(spec.linux!, {
    cgroupsPath, timeOffsets: { boottime: { secs: 1, nanosecs: 2 } }, sysctl: { 'net.ipv4.ip_forward': '1' }, rootfsPropagation: 'rslave', personality: { domain: 'LINUX' },
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'], flags: ['SECCOMP_FILTER_FLAG_LOG'],
      syscalls: [{ names: ['mount', 'umount2'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }] }],
    },
    resources: { devices: [{ allow: false, access: 'rwm' }], pids: { limit: 10 }, cpu: { shares: 512, quota: 10_000, period: 20_000 }, memory: { limit: 1 << 26 } },
  })
  return JSON.parse(JSON.stringify(spec)) as OciSpec // nothing in it twice
}
