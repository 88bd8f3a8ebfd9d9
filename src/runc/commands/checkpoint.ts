import { isSet } from '../arguments.ts'
import { checkpointContainer } from '../checkpoint/dump.ts'
import { criuFlags } from '../checkpoint/settings.ts'
import type { Command } from '../command.ts'
import { load } from '../container-store.ts'
import { deleteContainer } from '../lifecycle.ts'
import { warn } from '../output.ts'

export const checkpoint: Command = {
  flags: {
    ...criuFlags,
    ...Object.fromEntries(['parent-path', 'page-server', 'status-fd'].map((name) => [name, { value: true }])),
    ...Object.fromEntries(['leave-running', 'pre-dump', 'tcp-skip-in-flight', 'link-remap'].map((name) => [name, {}])),
  },
  arguments: [1, 1],
  run: async ({ root, args }) => {
    const container = load(root, args.rest[0]!)
    await checkpointContainer(container, args)
    if (!isSet(args, 'leave-running') && !isSet(args, 'pre-dump')) warn(await deleteContainer(container))
    return 0
  },
}
