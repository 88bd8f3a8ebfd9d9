import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'

export const volumeRmCommand: Command = {
  path: 'volume rm',
  usage: ['VOLUME [VOLUME...]'],
  summary: 'Remove one or more volumes that no container uses',
  aliases: ['volume rm', 'volume remove'],
  flags: [{ name: 'force', short: 'f', kind: 'boolean', help: 'Do not mind volumes that do not exist' }],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    const query = { force: flags.boolean('force') || undefined }
    await eachObject(context, args, async (name) => {
      await context.client.text('DELETE', `/volumes/${encodeURIComponent(name)}`, { query })
    })
  },
}
