import type { OciMount, OciProcess, OciSpec } from '../../../src/runc/spec.ts'

export const dockerCapabilities: readonly string[] = [
  'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETFCAP',
  'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE',
]

export const dockerMounts: readonly OciMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'noexec', 'nodev'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'] },
]

/** A container with Docker's defaults, without a seccomp profile. */
export function sampleSpec(rootfs: string, process: Partial<OciProcess> = {}): OciSpec {
  const capabilities = [...dockerCapabilities]
  return {
    ociVersion: '1.2.0',
    root: { path: rootfs },
    hostname: 'sample',
    process: {
      user: { uid: 0, gid: 0, additionalGids: [0] },
      args: ['true'],
      env: ['PATH=/usr/bin:/bin'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      ...process,
    },
    mounts: dockerMounts.map((mount) => ({ ...mount })),
    linux: {
      namespaces: (['mount', 'network', 'uts', 'pid', 'ipc', 'cgroup'] as const).map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/acpi', '/proc/not-there', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/sys', '/proc/not-there'],
    },
  }
}
