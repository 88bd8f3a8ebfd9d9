import type { Command } from '../command.ts'
import { checkpointDirFlag } from '../grammar/common-flags.ts'

export const checkpointRmCommand: Command = {
  path: 'checkpoint rm',
  usage: ['CONTAINER CHECKPOINT'],
  summary: 'Remove a checkpoint',
  aliases: ['checkpoint rm', 'checkpoint remove'],
  flags: [checkpointDirFlag],
  args: { min: 2, max: 2 },
  async run(context, { flags, args: [container = '', name = ''] }) {
    const query = { dir: flags.string('checkpoint-dir') || undefined }
    await context.client.text('DELETE', `/containers/${encodeURIComponent(container)}/checkpoints/${encodeURIComponent(name)}`, { query })
  },
}
