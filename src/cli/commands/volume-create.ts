import type { Command } from '../command.ts'
import { keyValues } from '../container-options/environment.ts'
import { ExitError } from '../exit-error.ts'

export const volumeCreateCommand: Command = {
  path: 'volume create',
  usage: ['[VOLUME]'],
  summary: 'Create a volume',
  flags: [
    { name: 'driver', short: 'd', kind: 'string', help: 'Driver of the volume', shownDefault: '"local"' },
    { name: 'label', kind: 'list', help: 'Set a label' },
    { name: 'name', kind: 'string', help: 'Name of the volume', hidden: true },
    { name: 'opt', short: 'o', kind: 'list', placeholder: 'map', help: 'Set an option of the driver', shownDefault: 'map[]' },
  ],
  args: { min: 0, max: 1 },
  async run(context, { flags, args }) {
    const named = flags.string('name')
    if (named !== '' && args[0] !== undefined) throw new ExitError('conflicting options: cannot specify a volume-name through both --name and as a positional arg')
    const request = {
      Name: args[0] ?? named,
      Driver: flags.string('driver') || 'local',
      DriverOpts: keyValues(flags.list('opt')),
      Labels: keyValues(flags.list('label')),
    }
    const { Name } = await context.client.json<{ Name: string }>('POST', '/volumes/create', { json: request })
    context.stdout.write(`${Name}\n`)
  },
}
