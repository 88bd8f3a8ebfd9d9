import { allowedSyscalls } from './allowed-syscalls.ts'
import type { ProfileRule, SeccompProfile } from './profile.ts'

const allow = 'SCMP_ACT_ALLOW'
const errno = 'SCMP_ACT_ERRNO'
const EPERM = 1
const ENOSYS = 38

/** Flags of clone that make namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const cloneNamespaces = 0x7e02_0000

/** Calls that a capability opens: each opens its own block and nothing else. */
const openedBy: Record<string, string> = {
  CAP_BPF: 'bpf',
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_PERFMON: 'perf_event_open',
  CAP_SYSLOG: 'syslog',
  CAP_SYS_ADMIN:
    'bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare',
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
}

/** execution domains that change nothing for the host: PER_LINUX, UNAME26, PER_LINUX32, both, and "tell me". */
const personalities = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff]

/**
 * Address families of socket(2) as prefixes `[value, mask]` of 32 bits: all up to AF_MCTP (45) except AF_ALG (38;
 * CVE-2026-31431) and AF_VSOCK (40; not in any namespace). The kernel looks at the lower half of the argument only,
 * so the upper half must not count here either: a plain "not equal to 40" is passed by 40 + 2^32.
 */
const socketFamilies: readonly (readonly [value: number, mask: number])[] = [
  [0, 0xffff_ffe0], // 0 to 31
  [32, 0xffff_fffc], // 32 to 35
  [36, 0xffff_fffe], // 36, 37
  [39, 0xffff_ffff],
  [41, 0xffff_ffff],
  [42, 0xffff_fffe], // 42, 43
  [44, 0xffff_fffe], // 44, 45
]

const rules: ProfileRule[] = [
  { names: [...allowedSyscalls], action: allow },
  // Before 4.8 a tracer could change a system call after the filter had seen it.
  { names: ['process_vm_readv', 'process_vm_writev', 'ptrace'], action: allow, includes: { minKernel: '4.8' } },
  { names: ['arch_prctl', 'modify_ldt'], action: allow, includes: { arches: ['amd64'] } },
  ...personalities.map(
    (value): ProfileRule => ({ names: ['personality'], action: allow, args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] }),
  ),
  ...socketFamilies.map(
    ([family, mask]): ProfileRule => ({
      names: ['socket'],
      action: allow,
      args: [{ index: 0, value: mask, valueTwo: family, op: 'SCMP_CMP_MASKED_EQ' }],
    }),
  ),
  {
    names: ['clone'],
    action: allow,
    args: [{ index: 0, value: cloneNamespaces, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    excludes: { caps: ['CAP_SYS_ADMIN'] },
  },
  // Its flags are in memory, out of a filter's sight. ENOSYS makes C libraries fall back to clone.
  { names: ['clone3'], action: errno, errnoRet: ENOSYS, excludes: { caps: ['CAP_SYS_ADMIN'] } },
  ...Object.entries(openedBy).map(
    ([capability, names]): ProfileRule => ({ names: names.split(' '), action: allow, includes: { caps: [capability] } }),
  ),
]

/**
 * What containers run with unless told otherwise: an allow list with EPERM for the rest. See docs/seccomp.md for what
 * it leaves out and why, and for where it is stricter than Docker's.
 */
export const defaultProfile: SeccompProfile = {
  defaultAction: errno,
  defaultErrnoRet: EPERM,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: rules,
}
