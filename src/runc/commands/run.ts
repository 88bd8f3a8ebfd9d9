import { flag, isSet } from '../arguments.ts'
import type { Command } from '../command.ts'
import { runInForeground } from '../foreground.ts'
import { createContainer, deleteContainer, startContainer } from '../lifecycle.ts'
import { createFlags, writePidFile } from './create.ts'

export const run: Command = {
  flags: { ...createFlags, detach: { letter: 'd' }, keep: {} },
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const id = args.rest[0]!
    const detach = isSet(args, 'detach')
    const container = await createContainer(root, id, flag(args, 'bundle') ?? '.', !detach)
    writePidFile(flag(args, 'pid-file'), container.monitor.pid)
    let done = false
    try {
      if (detach) {
        await startContainer(container)
        container.monitor.close()
        done = true
        return 0
      }
      return await runInForeground(container.monitor, container.spec.process?.terminal === true, () => startContainer(container))
    } finally {
      if (!done && !isSet(args, 'keep')) await deleteContainer(root, id)
    }
  },
}
