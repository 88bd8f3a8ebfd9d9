import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'
import { stopFlags, stopQuery } from './stop.ts'

export const restartCommand: Command = {
  path: 'restart',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Restart one or more containers',
  aliases: ['container restart', 'restart'],
  flags: stopFlags,
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    await eachObject(context, args, async (name) => {
      await context.client.text('POST', `/containers/${encodeURIComponent(name)}/restart`, { query: stopQuery(flags) })
    })
  },
}
