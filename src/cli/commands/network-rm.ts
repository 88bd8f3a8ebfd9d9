import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'
import { isNotFound } from '../client/engine-error.ts'

export const networkRmCommand: Command = {
  path: 'network rm',
  usage: ['NETWORK [NETWORK...]'],
  summary: 'Remove one or more networks',
  aliases: ['network rm', 'network remove'],
  flags: [{ name: 'force', short: 'f', kind: 'boolean', help: 'Do not mind networks that do not exist' }],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    await eachObject(context, args, async (name) => {
      try {
        await context.client.text('DELETE', `/networks/${encodeURIComponent(name)}`)
      } catch (error) {
        if (!flags.boolean('force') || !isNotFound(error)) throw error
        return ''
      }
      return name
    })
  },
}
