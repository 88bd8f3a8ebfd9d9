import type { Host } from './host.ts'

/** A pool in files is for trying it out (devicemapper's loop-lvm). */
export function storageWarnings(status: readonly (readonly [string, string])[]): string[] {
  if (!status.some(([name]) => name === 'Data loop file')) return []
  return ['WARNING: devicemapper: usage of loopback devices is strongly discouraged for production use.\n         Use `--storage-opt dm.thinpooldev` to specify a custom block storage device.']
}

/** Lines that `docker info` shows at its end: what containers cannot have on this host. */
export function hostWarnings({ limits, ipv4Forwarding, cgroupVersion }: Host): string[] {
  const checks: [boolean, string][] = [
    [limits.MemoryLimit, 'No memory limit support'],
    [limits.SwapLimit, 'No swap limit support'],
    [limits.OomKillDisable || cgroupVersion === '2', 'No oom kill disable support'],
    [limits.CpuCfsQuota, 'No cpu cfs quota support'],
    [limits.CpuCfsPeriod, 'No cpu cfs period support'],
    [limits.CPUShares, 'No cpu shares support'],
    [limits.CPUSet, 'No cpuset support'],
    [limits.PidsLimit, 'No pids limit support'],
    [ipv4Forwarding, 'IPv4 forwarding is disabled'],
  ]
  return checks.filter(([supported]) => !supported).map(([, text]) => `WARNING: ${text}`)
}
