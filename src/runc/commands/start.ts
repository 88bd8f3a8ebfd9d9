import { GantryError } from '../../lib/errors.ts'
import type { Command } from '../command.ts'
import { load, loadSpec, statusOf } from '../container-store.ts'
import { startContainer } from '../lifecycle.ts'
import { listenForNotify } from '../notify-socket.ts'
import { warn } from '../output.ts'

export const start: Command = {
  flags: {},
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const container = load(root, args.rest[0]!)
    const status = statusOf(container)
    if (status === 'stopped') throw new GantryError('Conflict', 'cannot start a container that has stopped')
    if (status === 'paused') throw new GantryError('Conflict', 'cannot start a container in the paused state')
    if (status !== 'created') throw new GantryError('Conflict', 'cannot start an already running container')
    const notify = listenForNotify(container.directory)
    warn(await startContainer(container, loadSpec(container.directory)))
    await notify?.pass(() => statusOf(container) === 'stopped', container.record.init_process_pid)
    return 0
  },
}
