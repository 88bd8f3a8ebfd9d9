import type { Command } from '../command.ts'
import { showProgress } from '../display/progress.ts'
import { ExitError } from '../exit-error.ts'

export const storageSwitchCommand: Command = {
  path: 'storage switch',
  usage: ['DRIVER', '--forget'],
  summary: 'Move images and stopped containers to another storage driver',
  flags: [{ name: 'forget', kind: 'boolean', help: 'Remove the stores that switches have left' }],
  args: { min: 0, max: 1 },
  async run(context, { flags, args }) {
    const [driver] = args
    if (flags.boolean('forget') === (driver !== undefined)) throw new ExitError('"gantry storage switch" requires either a storage driver or --forget')
    if (driver === undefined) {
      const gone = await context.client.json<{ drivers: string[] }>('POST', '/gantry/v1/storage/forget', { unversioned: true })
      context.stdout.write(gone.drivers.map((name) => `Forgotten: ${name}\n`).join(''))
      return
    }
    const response = await context.client.open('POST', '/gantry/v1/storage/switch', { query: { driver }, unversioned: true })
    await showProgress(response.body, context.stdout)
  },
}
