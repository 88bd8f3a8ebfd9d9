import { readFileSync } from 'node:fs'
import type { Pressures } from '../../kernel/cgroup/pressure.ts'
import type { Task, UsageReader } from '../../containerd/tasks/contract.ts'
import type { ContainerStats, NetworkStats } from '../types/container-stats.ts'
import type { Container } from './container.ts'
import { statsFrame, type Sample } from './stats-frame.ts'
import { hostUsage } from './stats-host.ts'
import { networkReader } from './stats-networks.ts'
import { now } from './timestamp.ts'
import { parsePressure } from '../../kernel/cgroup/pressure.ts'

/** GET /gantry/v1/stats: what every running container uses, read at one time. */
export interface StatsOfAll {
  /** RFC 3339. */
  read: string
  containers: (ContainerStats & { pressure: Pressures })[]
  /** PSI of the whole host. */
  pressure: Pressures
}

/** Milliseconds without a reading after which the next has nothing to be compared with. */
const longestInterval = 60_000

/** What is kept for a running container between two readings. */
interface Watched {
  task: Task
  files: UsageReader
  networks: () => Record<string, NetworkStats>
  sample: Sample
}

/**
 * Reads all cgroups in one go, from files that stay open until nobody has asked for a while. Each frame is compared with the reading of
 * the call before, whoever made it; the first has none, and shares of its CPU are then those since boot.
 */
export class AllStatsReader {
  #watched = new Map<string, Watched>()
  #timer: NodeJS.Timeout | undefined

  read(containers: readonly Container[]): StatsOfAll {
    const [host, read] = [hostUsage(), now()]
    const before = this.#watched
    this.#watched = new Map()
    const frames = containers.flatMap((container) => {
      const { task, state, id } = container
      if (task === undefined || !state.Running || state.Restarting) return []
      const known = before.get(id)
      const same = known?.task === task ? known : undefined
      const { files, networks } = same ?? { files: task.openUsage(), networks: networkReader(task.pid) }
      if (same !== undefined) before.delete(id)
      const sample: Sample = { read, host, usage: files.usage(), networks: networks() }
      this.#watched.set(id, { task, files, networks, sample })
      return [{ ...statsFrame(container, sample, known?.sample), pressure: files.pressure() }]
    })
    for (const { files } of before.values()) files.close()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.close(), longestInterval).unref()
    return { read, containers: frames, pressure: hostPressure() }
  }

  /** Lets go of everything; the next reading is a first one. */
  close(): void {
    for (const { files } of this.#watched.values()) files.close()
    this.#watched = new Map()
  }
}

function hostPressure(): Pressures {
  const entries = (['cpu', 'memory', 'io'] as const).flatMap((resource) => {
    try {
      const pressure = parsePressure(readFileSync(`/proc/pressure/${resource}`, 'latin1'))
      return pressure === undefined ? [] : [[resource, pressure] as const]
    } catch {
      return [] // a kernel without PSI
    }
  })
  return Object.fromEntries(entries)
}
