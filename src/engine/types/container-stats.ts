/**
 * GET /containers/{id}/stats (Engine API v1.51, definitions/ContainerStatsResponse), Linux. Bytes and nanoseconds. Optional
 * fields are those that Docker leaves out when they are zero; a container that does not run has none of them.
 */
export interface ContainerStats {
  /** With the leading slash. */
  name: string
  id: string
  /** RFC 3339; "0001-01-01T00:00:00Z" for never. */
  read: string
  preread: string
  pids_stats: { current?: number; limit?: number | bigint }
  blkio_stats: BlockIoStats
  /** For Windows, always sent. */
  num_procs: 0
  storage_stats: Record<string, never>
  cpu_stats: CpuStats
  /** `cpu_stats` of the frame before, from which shares are calculated; zeros in a first frame. */
  precpu_stats: CpuStats
  memory_stats: MemoryStats
  /** By the interface's name in the container; left out when it has none of its own. */
  networks?: Record<string, NetworkStats>
}

export interface CpuStats {
  cpu_usage: { total_usage: number; percpu_usage?: number[]; usage_in_kernelmode: number; usage_in_usermode: number }
  /** CPU time of the whole host, idle time too. */
  system_cpu_usage?: number
  online_cpus?: number
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number }
}

export interface MemoryStats {
  usage?: number
  max_usage?: number
  stats?: Record<string, number | bigint>
  failcnt?: number
  /** The host's memory when there is no limit. */
  limit?: number
}

/** Lists that the kernel does not keep are null. */
export interface BlockIoStats {
  io_service_bytes_recursive: BlockIoEntry[] | null
  io_serviced_recursive: BlockIoEntry[] | null
  io_queue_recursive: BlockIoEntry[] | null
  io_service_time_recursive: BlockIoEntry[] | null
  io_wait_time_recursive: BlockIoEntry[] | null
  io_merged_recursive: BlockIoEntry[] | null
  io_time_recursive: BlockIoEntry[] | null
  sectors_recursive: BlockIoEntry[] | null
}

export interface BlockIoEntry {
  major: number
  minor: number
  op: string
  value: number
}

export interface NetworkStats {
  rx_bytes: number
  rx_packets: number
  rx_errors: number
  rx_dropped: number
  tx_bytes: number
  tx_packets: number
  tx_errors: number
  tx_dropped: number
}
