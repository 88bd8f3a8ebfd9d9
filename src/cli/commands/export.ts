import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { writeOutput } from '../client/write-output.ts'

export const exportCommand: Command = {
  path: 'export',
  usage: ['CONTAINER'],
  summary: "Export a container's filesystem as a tar archive",
  aliases: ['container export', 'export'],
  flags: [{ name: 'output', short: 'o', kind: 'string', help: 'Write to this file instead of standard output' }],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const output = flags.string('output')
    if (output === '' && context.stdout.isTTY) throw new ExitError('cowardly refusing to save to a terminal. Use the -o flag or redirect')
    const response = await context.client.open('GET', `/containers/${encodeURIComponent(args[0]!)}/export`)
    await writeOutput(context, response.body, output)
  },
}
