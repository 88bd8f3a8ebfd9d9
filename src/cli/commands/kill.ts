import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'

export const killCommand: Command = {
  path: 'kill',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Kill one or more running containers',
  aliases: ['container kill', 'kill'],
  flags: [{ name: 'signal', short: 's', kind: 'string', help: 'Signal to send' }],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    await eachObject(context, args, async (name) => {
      const query = { signal: flags.string('signal') || undefined }
      await context.client.text('POST', `/containers/${encodeURIComponent(name)}/kill`, { query })
    })
  },
}
