import { flag, isSet } from '../arguments.ts'
import { planOf } from '../caller.ts'
import type { Command } from '../command.ts'
import { statusOf } from '../container-store.ts'
import { createContainer, deleteContainer, startContainer } from '../lifecycle.ts'
import { listenForNotify } from '../notify-socket.ts'
import { createFlags, writePidFile } from './create.ts'
import { warn } from '../output.ts'

export const run: Command = {
  flags: { ...createFlags, detach: { letter: 'd' }, keep: {}, 'no-subreaper': {} },
  arguments: [1, 1],
  failure: { prefix: 'gantry-runc run failed: ' },
  run: async ({ root, systemd, args }) => {
    const detach = isSet(args, 'detach')
    const container = await createContainer({
      root,
      systemd,
      id: args.rest[0]!,
      bundle: flag(args, 'bundle') || '.',
      plan: (spec) => planOf(args, { terminal: spec.process?.terminal === true, detach, waits: true }),
    })
    let goesOn = false
    try {
      writePidFile(flag(args, 'pid-file'), container.run.pid)
      const notify = listenForNotify(container.directory)
      if (detach) {
        warn(await startContainer(container, container.spec))
        await notify?.pass(() => statusOf(container) === 'stopped', container.record.init_process_pid)
        goesOn = true
        return 0
      }
      const { runInForeground } = await import('../foreground.ts')
      const start = async (): Promise<void> => {
        warn(await startContainer(container, container.spec))
        void notify?.pass(() => false)
      }
      return await runInForeground({ ...container, idle: notify === undefined }, start)
    } finally {
      if (!goesOn && !isSet(args, 'keep')) warn(await deleteContainer(container))
    }
  },
}
