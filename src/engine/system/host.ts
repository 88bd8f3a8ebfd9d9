import { existsSync } from 'node:fs'
import { readFile, readdir, statfs } from 'node:fs/promises'

/** What the host can do, as the kernel tells it. */
export interface Host {
  cgroupVersion: '1' | '2'
  limits: HostLimits
  ipv4Forwarding: boolean
  seccomp: boolean
  cgroupNamespaces: boolean
  operatingSystem: string
  osVersion: string
  openFiles: number
}

/** Keys of GET /info. */
export interface HostLimits {
  MemoryLimit: boolean
  SwapLimit: boolean
  CpuCfsPeriod: boolean
  CpuCfsQuota: boolean
  CPUShares: boolean
  CPUSet: boolean
  PidsLimit: boolean
  OomKillDisable: boolean
}

const cgroupRoot = '/sys/fs/cgroup'
/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
const cgroup2Magic = 0x63_67_72_70

export async function probeHost(): Promise<Host> {
  const unified = (await statfs(cgroupRoot)).type === cgroup2Magic
  const release = parseOsRelease(await readOr(['/etc/os-release', '/usr/lib/os-release'], ''))
  return {
    cgroupVersion: unified ? '2' : '1',
    limits: unified ? await unifiedLimits() : v1Limits(),
    ipv4Forwarding: (await readOr(['/proc/sys/net/ipv4/ip_forward'], '0')).trim() === '1',
    seccomp: /^Seccomp:/m.test(await readOr(['/proc/self/status'], '')),
    cgroupNamespaces: existsSync('/proc/self/ns/cgroup'),
    operatingSystem: release.get('PRETTY_NAME') ?? release.get('NAME') ?? 'Linux',
    osVersion: release.get('VERSION_ID') ?? '',
    openFiles: (await readdir('/proc/self/fd')).length,
  }
}

function v1Limits(): HostLimits {
  return {
    MemoryLimit: has('memory/memory.limit_in_bytes'),
    SwapLimit: has('memory/memory.memsw.limit_in_bytes'),
    CpuCfsPeriod: has('cpu/cpu.cfs_period_us'),
    CpuCfsQuota: has('cpu/cpu.cfs_quota_us'),
    CPUShares: has('cpu/cpu.shares'),
    CPUSet: has('cpuset/cpuset.cpus'),
    PidsLimit: has('pids'),
    OomKillDisable: has('memory/memory.oom_control'),
  }
}

function has(file: string): boolean {
  return existsSync(`${cgroupRoot}/${file}`)
}

async function unifiedLimits(): Promise<HostLimits> {
  const controllers = new Set((await readOr([`${cgroupRoot}/cgroup.controllers`], '')).trim().split(' '))
  // The root group has no memory.swap.max; our own group, or a child of the root, shows whether the kernel has it.
  const own = /^0::(.*)$/m.exec(await readOr(['/proc/self/cgroup'], ''))?.[1] ?? '/'
  const swap = existsSync(`${cgroupRoot}${own}/memory.swap.max`) || existsSync(`${cgroupRoot}/init.scope/memory.swap.max`)
  return {
    MemoryLimit: controllers.has('memory'),
    SwapLimit: controllers.has('memory') && (swap || existsSync('/proc/swaps')),
    CpuCfsPeriod: controllers.has('cpu'),
    CpuCfsQuota: controllers.has('cpu'),
    CPUShares: controllers.has('cpu'),
    CPUSet: controllers.has('cpuset'),
    PidsLimit: controllers.has('pids'),
    OomKillDisable: false,
  }
}

/** os-release(5): NAME=value lines, values quoted as in a shell. */
function parseOsRelease(text: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(["']?)(.*)\2$/.exec(line.trim())
    if (match?.[1] !== undefined) values.set(match[1], match[3] ?? '')
  }
  return values
}

async function readOr(paths: string[], absent: string): Promise<string> {
  for (const path of paths) {
    try {
      return await readFile(path, 'utf8')
    } catch {
      // The next one, or the default: not every host has every file.
    }
  }
  return absent
}
