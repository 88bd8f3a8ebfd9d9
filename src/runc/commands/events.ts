import { setTimeout as sleep } from 'node:timers/promises'
import { oomKills } from '../../kernel/cgroup/oom.ts'
import { readUsage } from '../../kernel/cgroup/usage.ts'
import { GantryError } from '../../lib/errors.ts'
import { flag, isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { requireCgroup } from '../container-cgroup.ts'
import { load, statusOf } from '../container-store.ts'
import { writeOut } from '../output.ts'
import { statistics } from '../statistics.ts'

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
/** How long an end or a kill for memory may go unnoticed. */
const glance = 200

export const events: Command = {
  flags: { interval: { value: true }, stats: {} },
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const id = args.rest[0]!
    const interval = milliseconds(flag(args, 'interval') ?? '5s')
    const container = load(root, id)
    if (statusOf(container) === 'stopped') throw new GantryError('Conflict', `container with id ${id} is not running`)
    const { layout, managed: { path: cgroup } } = requireCgroup(container.record, 'show events')
    const show = (type: string, data?: unknown): void => writeOut(1, `${toJson({ type, id, ...(data === undefined ? {} : { data }) })}\n`)
    const showStatistics = (): void => show('stats', statistics(readUsage(layout, cgroup)))
    if (isSet(args, 'stats')) {
      showStatistics()
      return 0
    }
    let kills = oomKills(layout, cgroup)
    for (let passed = 0; statusOf(container) !== 'stopped'; passed += glance) {
      if (passed > 0 && passed % interval < glance) showStatistics()
      await sleep(Math.min(glance, interval))
      const now = oomKills(layout, cgroup)
      if (now > kills) show('oom')
      kills = now
    }
    return 0
  },
}

/** Go's duration, one unit. */
function milliseconds(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const value = Number(number) * (units[unit] ?? NaN)
  if (!(value > 0)) throw new GantryError('InvalidParameter', 'duration interval must be greater than 0')
  return value
}

/** Counters beyond 2^53 stay exact. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(item)) : item))
}
