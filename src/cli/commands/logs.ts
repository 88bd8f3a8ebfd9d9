import type { Command } from '../command.ts'
import { timeReference } from '../client/time-reference.ts'
import { copyRaw, demultiplex } from '../terminal/stdcopy.ts'

export const logsCommand: Command = {
  path: 'logs',
  usage: ['CONTAINER'],
  summary: 'Show the logs of a container',
  aliases: ['container logs', 'logs'],
  flags: [
    { name: 'details', kind: 'boolean', help: 'Show extra attributes of each line' },
    { name: 'follow', short: 'f', kind: 'boolean', help: 'Keep showing new lines' },
    { name: 'since', kind: 'string', help: 'Show lines since a time ("2013-01-02T13:23:37Z") or for a while ("42m")' },
    { name: 'tail', short: 'n', kind: 'string', help: 'Number of last lines to show', shownDefault: '"all"' },
    { name: 'timestamps', short: 't', kind: 'boolean', help: 'Show the time of each line' },
    { name: 'until', kind: 'string', help: 'Show lines before a time ("2013-01-02T13:23:37Z") or until a while ago ("42m")' },
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const path = `/containers/${encodeURIComponent(args[0]!)}`
    const container = await context.client.json<{ Config: { Tty: boolean } }>('GET', `${path}/json`)
    const response = await context.client.open('GET', `${path}/logs`, {
      query: {
        stdout: true,
        stderr: true,
        details: flags.boolean('details') || undefined,
        follow: flags.boolean('follow') || undefined,
        since: timeReference(flags.string('since')),
        until: timeReference(flags.string('until')),
        tail: flags.string('tail', 'all'),
        timestamps: flags.boolean('timestamps') || undefined,
      },
    })
    if (container.Config.Tty) await copyRaw(response.body, context.stdout)
    else await demultiplex(response.body, context)
  },
}
