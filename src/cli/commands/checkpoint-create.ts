import type { Command } from '../command.ts'
import { checkpointDirFlag } from '../grammar/common-flags.ts'

export const checkpointCreateCommand: Command = {
  path: 'checkpoint create',
  usage: ['CONTAINER CHECKPOINT'],
  summary: 'Create a checkpoint from a running container',
  flags: [checkpointDirFlag, { name: 'leave-running', kind: 'boolean', help: 'Let the container go on after the checkpoint' }],
  args: { min: 2, max: 2 },
  async run(context, { flags, args: [container = '', name = ''] }) {
    const body = { CheckpointID: name, CheckpointDir: flags.string('checkpoint-dir'), Exit: !flags.boolean('leave-running') }
    await context.client.text('POST', `/containers/${encodeURIComponent(container)}/checkpoints`, { json: body })
    context.stdout.write(`${name}\n`)
  },
}
