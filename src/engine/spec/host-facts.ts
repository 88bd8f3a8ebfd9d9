import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism, release } from 'node:os'
import { ownCapabilities } from '../../kernel/capabilities.ts'
import { nativeArchitecture } from '../../kernel/seccomp/architecture.ts'
import type { OciDevice } from '../../runc/spec.ts'
import type { HostFacts, KernelVersion } from './input.ts'
import { splitDeviceNumber } from '../../lib/device-number.ts'

const typeMask = 0o170000
const types = new Map([
  [0o020000, 'c'],
  [0o060000, 'b'],
])

/** Below /dev, but not devices of the host: a container has its own. */
const notDevices = new Set(['/dev/pts', '/dev/shm', '/dev/fd', '/dev/mqueue', '/dev/.lxc', '/dev/.lxd-mounts', '/dev/.udev', '/dev/console'])

/** Reads the facts from /proc, /sys and /dev. Devices come and go: read again for each privileged container. */
export function readHostFacts(): HostFacts {
  const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers')
  return {
    architecture: nativeArchitecture(),
    kernel: parseKernelVersion(release()),
    capabilities: ownCapabilities(),
    cgroupVersion: v2 ? 2 : 1,
    cpus: availableParallelism(),
    memoryNodes: memoryNodes(v2),
    swapLimit: v2 ? existsSync('/proc/swaps') : existsSync('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes'),
    timeNamespace: existsSync('/proc/self/ns/time'),
    apparmor: readFirst('/sys/module/apparmor/parameters/enabled') === 'Y',
    selinux: existsSync('/sys/fs/selinux/enforce'),
    devices: hostDevices('/dev'),
    maskedPaths: thermalThrottlePaths(),
  }
}

/** "6.18.44-generic" → 6 and 18. */
export function parseKernelVersion(release: string): KernelVersion {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? []
  if (major === undefined || minor === undefined) throw new Error(`cannot read the kernel version: ${JSON.stringify(release)}`)
  return { major: Number(major), minor: Number(minor) }
}

/** Every character and block device below a directory. Symbolic links are not followed. */
export function hostDevices(directory: string): OciDevice[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`
    if (notDevices.has(path)) return []
    if (entry.isDirectory()) return hostDevices(path)
    return entry.isCharacterDevice() || entry.isBlockDevice() ? deviceAt(path) : []
  })
}

/** The device at a path: none, or one. */
export function deviceAt(path: string): OciDevice[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  const type = stat && types.get(stat.mode & typeMask)
  if (!stat || type === undefined) return []
  const { major, minor } = splitDeviceNumber(BigInt(stat.rdev))
  return [{ path, type, major, minor, fileMode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid }]
}

/** Counters per processor from which a neighbour's work can be told. */
function thermalThrottlePaths(): string[] {
  const root = '/sys/devices/system/cpu'
  return readdirSync(root)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${root}/${name}/thermal_throttle`)
    .filter((path) => existsSync(path))
}

/** Of the group that all containers are below. A kernel without such groups has them all. */
function memoryNodes(v2: boolean): string {
  const file = v2 ? '/sys/fs/cgroup/cpuset.mems.effective' : '/sys/fs/cgroup/cpuset/cpuset.mems'
  return readFirst(file) || readFirst('/sys/devices/system/node/has_memory') || '0'
}

function readFirst(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
}
