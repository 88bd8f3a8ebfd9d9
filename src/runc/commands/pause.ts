import { freeze, thaw } from '../../kernel/cgroup/freezer.ts'
import { detectLayout } from '../../kernel/cgroup/layout.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Command } from '../command.ts'
import { load, statusOf } from '../container-store.ts'

export const pause: Command = {
  flags: {},
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const container = load(root, args.rest[0]!)
    const status = statusOf(container)
    if (status === 'stopped') throw new GantryError('Conflict', 'container not running')
    if (status === 'paused') throw new GantryError('Conflict', 'container not running or created: paused')
    await freeze(detectLayout(), container.record.cgroup)
    return 0
  },
}

export const resume: Command = {
  flags: {},
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const container = load(root, args.rest[0]!)
    if (statusOf(container) !== 'paused') throw new GantryError('Conflict', 'container not paused')
    await thaw(detectLayout(), container.record.cgroup)
    return 0
  },
}
