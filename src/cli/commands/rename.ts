import type { Command } from '../command.ts'
import { errorText, ExitError } from '../exit-error.ts'

export const renameCommand: Command = {
  path: 'rename',
  usage: ['CONTAINER NEW_NAME'],
  summary: 'Rename a container',
  aliases: ['container rename', 'rename'],
  flags: [],
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const [from, to] = args.map((name) => name.trim())
    if (!from || !to) throw new ExitError('Error: Neither old nor new names may be empty')
    try {
      await context.client.text('POST', `/containers/${encodeURIComponent(from)}/rename`, { query: { name: to } })
    } catch (cause) {
      throw new ExitError(`${errorText(cause)}\nError: failed to rename container named ${from}`, 1, { cause })
    }
  },
}
