import { flag, isSet } from '../arguments.ts'
import { planOf } from '../caller.ts'
import type { Command } from '../command.ts'
import { createContainer, deleteContainer, startContainer } from '../lifecycle.ts'
import { createFlags, writePidFile } from './create.ts'
import { warn } from '../output.ts'

export const run: Command = {
  flags: { ...createFlags, detach: { letter: 'd' }, keep: {}, 'no-subreaper': {} },
  arguments: [1, 1],
  failure: { prefix: 'gantry-runc run failed: ' },
  run: async ({ root, args }) => {
    const detach = isSet(args, 'detach')
    const container = await createContainer({
      root,
      id: args.rest[0]!,
      bundle: flag(args, 'bundle') || '.',
      plan: (spec) => planOf(args, { terminal: spec.process?.terminal === true, detach, waits: true }),
    })
    let goesOn = false
    try {
      writePidFile(flag(args, 'pid-file'), container.run.pid)
      if (detach) {
        warn(await startContainer(container, container.spec))
        goesOn = true
        return 0
      }
      const { runInForeground } = await import('../foreground.ts')
      return await runInForeground(container, async () => warn(await startContainer(container, container.spec)))
    } finally {
      if (!goesOn && !isSet(args, 'keep')) warn(await deleteContainer(container))
    }
  },
}
