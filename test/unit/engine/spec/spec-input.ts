import { capabilityMask, capabilityNames } from '../../../../src/kernel/capabilities.ts'
import type { HostFacts, SpecInput } from '../../../../src/engine/spec/input.ts'
import type { ContainerConfig } from '../../../../src/engine/types/container-config.ts'
import type { HostConfig } from '../../../../src/engine/types/host-config.ts'

/** A machine with everything. */
export const host: HostFacts = {
  architecture: 'x86_64',
  kernel: { major: 6, minor: 18 },
  capabilities: capabilityMask(capabilityNames),
  cgroupVersion: 2,
  cpus: 4,
  memoryNodes: '0-1,4',
  swapLimit: true,
  timeNamespace: true,
  apparmor: false,
  selinux: false,
  devices: [
    { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 },
    { path: '/dev/net/tun', type: 'c', major: 10, minor: 200, fileMode: 0o666, uid: 0, gid: 0 },
    { path: '/dev/vda', type: 'b', major: 254, minor: 0, fileMode: 0o660, uid: 0, gid: 6 },
  ],
  maskedPaths: [],
}

export const id = 'c0ffee'.padEnd(64, '0')

/** A container of `sleep 1` with what a default client sends, changed by the arguments. */
export function input(hostConfig: HostConfig = {}, config: ContainerConfig = {}, more: Partial<SpecInput> = {}): SpecInput {
  return {
    id,
    config: { Hostname: id.slice(0, 12), Cmd: ['sleep', '1'], ...config },
    hostConfig,
    rootfs: '/rootfs',
    user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
    files: { hostname: '/c/hostname', hosts: '/c/hosts', resolvConf: '/c/resolv.conf' },
    host,
    ...more,
  }
}
