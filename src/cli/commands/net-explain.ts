import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { fetchWays, waysText } from '../ways.ts'

export const netExplainCommand: Command = {
  path: 'net explain',
  usage: ['CONTAINER'],
  summary: 'Print the way of a packet into a container and out of it: interfaces, routes, rules, counters',
  flags: [{ name: 'format', kind: 'string', help: '"json", or nothing for text' }],
  args: { min: 1, max: 1 },
  async run(context, { flags, args: [container = ''] }) {
    const format = flags.string('format')
    if (format !== '' && format !== 'json') throw new ExitError(`invalid format "${format}": there is "json"`)
    const ways = await fetchWays(context.client, container)
    context.stdout.write(format === 'json' ? `${JSON.stringify(ways)}\n` : waysText(ways))
  },
}
