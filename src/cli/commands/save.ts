import { writeOutput } from '../client/write-output.ts'
import { platformQuery } from '../client/platform-query.ts'
import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { platformFlag } from '../grammar/common-flags.ts'

export const saveCommand: Command = {
  path: 'save',
  usage: ['IMAGE [IMAGE...]'],
  summary: 'Save one or more images as a tar archive (to standard output unless told otherwise)',
  aliases: ['image save', 'save'],
  flags: [{ name: 'output', short: 'o', kind: 'string', help: 'Write to this file' }, platformFlag],
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    const output = flags.string('output')
    if (output === '' && context.stdout.isTTY) {
      throw new ExitError('cowardly refusing to save to a terminal. Use the -o flag or redirect')
    }
    const response = await context.client.open('GET', '/images/get', { query: { names: args, platform: platformQuery(flags.string('platform')) } })
    await writeOutput(context, response.body, output)
  },
}
