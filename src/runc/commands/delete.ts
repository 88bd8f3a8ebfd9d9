import { GantryError } from '../../lib/errors.ts'
import { isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { load, statusOf } from '../container-store.ts'
import { deleteContainer } from '../lifecycle.ts'

export const remove: Command = {
  flags: { force: { letter: 'f' } },
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const id = args.rest[0]!
    try {
      const status = statusOf(load(root, id).record)
      if (status === 'running' && !isSet(args, 'force')) throw new GantryError('Conflict', `cannot delete container ${id} that is not stopped: ${status}`)
    } catch (error) {
      if (error instanceof GantryError && error.kind === 'NotFound' && isSet(args, 'force')) return 0
      throw error
    }
    await deleteContainer(root, id)
    return 0
  },
}
