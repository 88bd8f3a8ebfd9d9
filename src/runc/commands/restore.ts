import { flag, isSet } from '../arguments.ts'
import { callerFlags, planOf } from '../caller.ts'
import { sendTerminalTo } from '../checkpoint/console.ts'
import { waitForRestored } from '../checkpoint/foreground.ts'
import { restoreContainer } from '../checkpoint/restore.ts'
import { criuFlags } from '../checkpoint/settings.ts'
import type { Command } from '../command.ts'
import { deleteContainer, readSpec } from '../lifecycle.ts'
import { warn } from '../output.ts'
import { writePidFile } from './create.ts'

export const restore: Command = {
  flags: {
    ...criuFlags,
    'console-socket': callerFlags['console-socket']!,
    'pid-file': callerFlags['pid-file']!,
    bundle: { letter: 'b', value: true },
    detach: { letter: 'd' },
    // criu makes the process a child of this one, so there is nothing to adopt; and it enters the root in its own way.
    'no-subreaper': {},
    'no-pivot': {},
    'lsm-profile': { value: true },
    'lsm-mount-context': { value: true },
  },
  arguments: [1, 1],
  run: async ({ root, systemd, args }) => {
    const detach = isSet(args, 'detach')
    const bundle = flag(args, 'bundle') || '.'
    const { consoleSocket } = planOf(args, { terminal: readSpec(bundle).spec.process?.terminal === true && !isSet(args, 'shell-job'), detach, waits: false })
    let terminal: number | undefined
    const takeTerminal = (master: number): void => {
      if (consoleSocket === undefined) terminal = master
      else sendTerminalTo(consoleSocket, master)
    }
    const container = await restoreContainer({ root, systemd, id: args.rest[0]!, bundle, args, takeTerminal })
    writePidFile(flag(args, 'pid-file'), container.record.init_process_pid)
    if (detach) return 0
    try {
      return await waitForRestored(container.record.init_process_pid, terminal)
    } finally {
      warn(await deleteContainer(container))
    }
  },
}
