import { GantryError } from '../../lib/errors.ts'
import { openMonitor } from '../../shim/monitor-client.ts'
import type { Command } from '../command.ts'
import { load, statusOf } from '../container-store.ts'
import { startContainer } from '../lifecycle.ts'

export const start: Command = {
  flags: {},
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const { directory, record, spec } = load(root, args.rest[0]!)
    const status = statusOf(record)
    if (status !== 'created') throw new GantryError('Conflict', `cannot start a container that has ${status === 'running' ? 'been started' : 'stopped'}`)
    const monitor = await openMonitor({ directory, pid: record.pid })
    await startContainer({ directory, record, spec, monitor })
    monitor.close()
    return 0
  },
}
