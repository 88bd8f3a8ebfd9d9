import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'

export const pauseCommand: Command = {
  path: 'pause',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Pause all processes within one or more containers',
  aliases: ['container pause', 'pause'],
  flags: [],
  args: { min: 1, max: Infinity },
  async run(context, { args }) {
    await eachObject(context, args, async (name) => {
      await context.client.text('POST', `/containers/${encodeURIComponent(name)}/pause`)
    })
  },
}
