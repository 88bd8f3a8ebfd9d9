import type { Command } from '../command.ts'
import { forceFlag, pruneFilterFlag, pruneNetworks } from '../prune/prune.ts'
import { confirm } from '../terminal/confirm.ts'

const question = 'WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue?'

export const networkPruneCommand: Command = {
  path: 'network prune',
  usage: [''],
  summary: 'Remove networks that no container uses',
  flags: [pruneFilterFlag, forceFlag],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    if (!flags.boolean('force') && !(await confirm(context, question))) return
    const { text } = await pruneNetworks(context, flags.list('filter'))
    if (text !== '') context.stdout.write(`${text}\n`)
  },
}
