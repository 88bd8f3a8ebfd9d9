import { freeze, thaw } from '../../kernel/cgroup/freezer.ts'
import { GantryError } from '../../lib/errors.ts'
import type { Command } from '../command.ts'
import { requireCgroup } from '../container-cgroup.ts'
import { load, statusOf } from '../container-store.ts'

export const pause: Command = {
  flags: {},
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const container = load(root, args.rest[0]!)
    const status = statusOf(container)
    if (status === 'stopped' || status === 'paused') throw new GantryError('Conflict', 'container not running')
    const { layout, managed } = requireCgroup(container.record, 'pause')
    await freeze(layout, managed.path)
    return 0
  },
}

export const resume: Command = {
  flags: {},
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const container = load(root, args.rest[0]!)
    if (statusOf(container) !== 'paused') throw new GantryError('Conflict', 'container not paused')
    const { layout, managed } = requireCgroup(container.record, 'resume')
    await thaw(layout, managed.path)
    return 0
  },
}
