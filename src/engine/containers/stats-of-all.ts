import { readFileSync } from 'node:fs'
import type { Pressures } from '../../kernel/cgroup/pressure.ts'
import type { ContainerStats } from '../types/container-stats.ts'
import type { Container } from './container.ts'
import { statsFrame, type Sample } from './stats-frame.ts'
import { hostUsage } from './stats-host.ts'
import { networkStats } from './stats-networks.ts'
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

/** Samples older than this are no comparison any more, milliseconds. */
const longestInterval = 60_000

/**
 * Reads all cgroups in one go. Each frame is compared with the reading of the call before, whoever made it; the first has none, and
 * shares of its CPU are then those since boot.
 */
export class AllStatsReader {
  #previous = new Map<string, Sample>()
  #readAt = 0

  read(containers: readonly Container[]): StatsOfAll {
    const [host, read, at] = [hostUsage(), now(), Date.now()]
    const earlier = at - this.#readAt < longestInterval ? this.#previous : new Map<string, Sample>()
    const samples = new Map<string, Sample>()
    const frames = containers.flatMap((container) => {
      const { task, state, id } = container
      if (task === undefined || !state.Running || state.Restarting) return []
      const sample: Sample = { read, host, usage: task.usage(), networks: networkStats(task.pid) }
      samples.set(id, sample)
      return [{ ...statsFrame(container, sample, earlier.get(id)), pressure: task.pressure() }]
    })
    this.#previous = samples
    this.#readAt = at
    return { read, containers: frames, pressure: hostPressure() }
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
