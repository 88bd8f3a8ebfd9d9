import type { FlagValues } from '../grammar/flag.ts'
import { OptionError } from './option-error.ts'
import { readUlimit } from './ulimit.ts'

/**
 * The resource limits of HostConfig: bytes, billionths of a CPU, microseconds. --kernel-memory is taken and left out: the
 * Engine API dropped it in 1.42.
 */
export function resources(flags: FlagValues): Record<string, unknown> {
  const swappiness = flags.number('memory-swappiness', -1)
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw new OptionError(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`)
  }
  return {
    CpuShares: flags.number('cpu-shares'),
    Memory: flags.number('memory'),
    NanoCpus: flags.number('cpus'),
    CgroupParent: flags.string('cgroup-parent'),
    BlkioWeight: flags.number('blkio-weight'),
    CpuPeriod: flags.number('cpu-period'),
    CpuQuota: flags.number('cpu-quota'),
    CpuRealtimePeriod: flags.number('cpu-rt-period'),
    CpuRealtimeRuntime: flags.number('cpu-rt-runtime'),
    CpusetCpus: flags.string('cpuset-cpus'),
    CpusetMems: flags.string('cpuset-mems'),
    MemoryReservation: flags.number('memory-reservation'),
    MemorySwap: flags.number('memory-swap'),
    MemorySwappiness: swappiness,
    OomKillDisable: flags.boolean('oom-kill-disable'),
    PidsLimit: flags.number('pids-limit'),
    Ulimits: flags.list('ulimit').map(readUlimit),
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  }
}
