import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'

export const unpauseCommand: Command = {
  path: 'unpause',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Unpause all processes within one or more containers',
  aliases: ['container unpause', 'unpause'],
  flags: [],
  args: { min: 1, max: Infinity },
  async run(context, { args }) {
    await eachObject(context, args, async (name) => {
      await context.client.text('POST', `/containers/${encodeURIComponent(name)}/unpause`)
    })
  },
}
