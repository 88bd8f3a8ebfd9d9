import { GantryError } from '../../lib/errors.ts'
import { isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { load, statusOf, type StoredContainer } from '../container-store.ts'
import { deleteContainer, deleteUnfinished } from '../lifecycle.ts'
import { warn } from '../output.ts'

export const remove: Command = {
  flags: { force: { letter: 'f' } },
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const id = args.rest[0]!
    const force = isSet(args, 'force')
    let container: StoredContainer
    try {
      container = load(root, id)
    } catch (error) {
      if (error instanceof GantryError && error.kind === 'NotFound' && force) {
        await deleteUnfinished(root, id)
        return 0
      }
      throw error
    }
    const status = statusOf(container)
    if ((status === 'running' || status === 'paused') && !force) throw new GantryError('Conflict', `cannot delete container ${id} that is not stopped: ${status}`)
    warn(await deleteContainer(container))
    return 0
  },
}
