import { humanBinarySize, humanSize, shortId } from './human.ts'
import type { Listing, Row } from './listing.ts'

type CpuStats = { cpu_usage: { total_usage: number; percpu_usage?: number[] | null }; system_cpu_usage?: number; online_cpus?: number }
type BlockIoEntry = { op: string; value: number }

/** The parts of GET /containers/{id}/stats that are shown. */
export type ContainerStats = {
  id: string
  name: string
  cpu_stats: CpuStats
  precpu_stats: CpuStats
  memory_stats: { usage?: number; limit?: number; stats?: Record<string, number> | null }
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }> | null
  blkio_stats: { io_service_bytes_recursive: BlockIoEntry[] | null }
  pids_stats: { current?: number }
  /** Of Gantry, where the kernel tells. */
  pressure?: Partial<Record<'cpu' | 'memory' | 'io', { some: { avg10: number } }>>
}

export const statsListing: Listing = {
  typeName: '*container.statsContext',
  titles: {
    Container: 'CONTAINER', Name: 'NAME', ID: 'CONTAINER ID', CPUPerc: 'CPU %', MemUsage: 'MEM USAGE / LIMIT', MemPerc: 'MEM %',
    NetIO: 'NET I/O', Pressure: 'PRESSURE', BlockIO: 'BLOCK I/O', PIDs: 'PIDS',
  },
  defaultTable: String.raw`{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}`,
}

/** `stats` undefined: the engine does not tell, and dashes are shown. `container` is what the user called it. */
export function statsRow(container: string, stats: ContainerStats | undefined, options: { truncate: boolean }): Row {
  const known = (show: (stats: ContainerStats) => string, unknown = '--'): string => (stats === undefined ? unknown : show(stats))
  const row: Row = {
    BlockIO: () => known((frame) => `${humanSize(blockIo(frame, 'r'), 3)} / ${humanSize(blockIo(frame, 'w'), 3)}`),
    CPUPerc: () => known((frame) => percent(cpuShare(frame))),
    Container: () => container,
    ID: () => known(({ id }) => (options.truncate ? shortId(id) : id), ''),
    MemPerc: () => known((frame) => percent(memoryShare(frame))),
    MemUsage: () => known((frame) => `${humanBinarySize(memoryInUse(frame))} / ${humanBinarySize(frame.memory_stats.limit ?? 0)}`, '-- / --'),
    Name: () => known(({ name }) => name.replace(/^\//, '') || '--'),
    NetIO: () => known((frame) => `${humanSize(traffic(frame, 'rx_bytes'), 3)} / ${humanSize(traffic(frame, 'tx_bytes'), 3)}`),
    PIDs: () => known(({ pids_stats: { current = 0 } }) => String(current)),
  }
  // Templates can have it, but the JSON of a row is docker's.
  return Object.defineProperty(row, 'Pressure', { value: () => known(({ pressure = {} }) => pressureText(pressure)) })
}

/** Shares of the last ten seconds in which something waited. */
function pressureText(pressure: NonNullable<ContainerStats['pressure']>): string {
  return Object.entries(pressure).map(([resource, { some }]) => `${resource} ${some.avg10.toFixed(2)}%`).join(' / ') || '--'
}

function percent(share: number): string {
  const value = share * 100
  // Exact halves of the last digit go to the even one in Go, up in JavaScript; memory in powers of two has many.
  const eighths = (value * 8) % 8
  const text = eighths === 1 || eighths === 5 ? (value - 0.005).toFixed(2) : value.toFixed(2)
  return `${text}%`
}

/** 1 is one processor. */
function cpuShare({ cpu_stats: current, precpu_stats: previous }: ContainerStats): number {
  const used = current.cpu_usage.total_usage - previous.cpu_usage.total_usage
  const passed = (current.system_cpu_usage ?? 0) - (previous.system_cpu_usage ?? 0)
  const processors = current.online_cpus || (current.cpu_usage.percpu_usage?.length ?? 0)
  return used > 0 && passed > 0 ? (used / passed) * processors : 0
}

/** Without the page cache that the kernel gives up first, under its v1 or its v2 name. */
function memoryInUse({ memory_stats: { usage = 0, stats } }: ContainerStats): number {
  const cache = stats?.['total_inactive_file'] ?? stats?.['inactive_file'] ?? 0
  return cache < usage ? usage - cache : usage
}

function memoryShare(frame: ContainerStats): number {
  const limit = frame.memory_stats.limit ?? 0
  return limit === 0 ? 0 : memoryInUse(frame) / limit
}

function traffic({ networks }: ContainerStats, direction: 'rx_bytes' | 'tx_bytes'): number {
  return Object.values(networks ?? {}).reduce((sum, counts) => sum + counts[direction], 0)
}

function blockIo({ blkio_stats: { io_service_bytes_recursive: entries } }: ContainerStats, letter: 'r' | 'w'): number {
  return (entries ?? []).filter(({ op }) => op.toLowerCase().startsWith(letter)).reduce((sum, { value }) => sum + value, 0)
}
