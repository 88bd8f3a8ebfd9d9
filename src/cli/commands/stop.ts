import type { Command } from '../command.ts'
import { eachObject } from '../client/each-object.ts'
import type { Flag, FlagValues } from '../grammar/flag.ts'

export const stopFlags: Flag[] = [
  { name: 'signal', short: 's', kind: 'string', help: 'Signal to send' },
  { name: 'timeout', short: 't', kind: 'int', aliases: ['time'], help: 'Seconds before the container is killed' },
]

export const stopCommand: Command = {
  path: 'stop',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Stop one or more running containers',
  aliases: ['container stop', 'stop'],
  flags: stopFlags,
  args: { min: 1, max: Infinity },
  async run(context, { flags, args }) {
    await eachObject(context, args, async (name) => {
      await context.client.text('POST', `/containers/${encodeURIComponent(name)}/stop`, { query: stopQuery(flags) })
    })
  },
}

export function stopQuery(flags: FlagValues): { signal: string | undefined; t: number | undefined } {
  return { signal: flags.string('signal') || undefined, t: flags.has('timeout') ? flags.number('timeout') : undefined }
}
