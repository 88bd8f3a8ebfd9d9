/** Fields of `linux.resources` by the files that they come down to, for refusals. */
const fields: readonly [RegExp, string][] = [
  [/^memory\.(max|limit_in_bytes)$/, 'memory.limit'],
  [/^memory\.(memsw\.limit_in_bytes|swap\.max)$/, 'memory.swap'],
  [/^memory\.(soft_limit_in_bytes|low)$/, 'memory.reservation'],
  [/^memory\.kmem\.tcp\.limit_in_bytes$/, 'memory.kernelTCP'],
  [/^memory\.kmem\.limit_in_bytes$/, 'memory.kernel'],
  [/^memory\.oom_control$/, 'memory.disableOOMKiller'],
  [/^memory\.swappiness$/, 'memory.swappiness'],
  [/^cpu\.(shares|weight)$/, 'cpu.shares'],
  [/^cpu\.(cfs_quota_us|max)$/, 'cpu.quota'],
  [/^cpu\.cfs_period_us$/, 'cpu.period'],
  [/^cpu\.(cfs_burst_us|max\.burst)$/, 'cpu.burst'],
  [/^cpu\.rt_period_us$/, 'cpu.realtimePeriod'],
  [/^cpu\.rt_runtime_us$/, 'cpu.realtimeRuntime'],
  [/^cpu\.idle$/, 'cpu.idle'],
  [/^cpuset\.cpus$/, 'cpu.cpus'],
  [/^cpuset\.mems$/, 'cpu.mems'],
  [/^pids\.max$/, 'pids.limit'],
  [/^(blkio|io)\./, 'blockIO'],
  [/^hugetlb\./, 'hugepageLimits'],
  [/^net_cls\./, 'network.classID'],
  [/^net_prio\./, 'network.priorities'],
  [/^rdma\./, 'rdma'],
  [/^devices\./, 'devices'],
]

/** "linux.resources.memory.limit" of "memory.max"; files of `unified` are named there themselves. */
export function fieldOfFile(file: string): string {
  const field = fields.find(([pattern]) => pattern.test(file))?.[1]
  return field === undefined ? `linux.resources.unified["${file}"]` : `linux.resources.${field}`
}
