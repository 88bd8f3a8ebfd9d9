import type { Command } from '../command.ts'
import { printObjects } from '../format/print-objects.ts'
import { objectFormatFlag } from '../grammar/common-flags.ts'
import { fetchOne } from './inspect.ts'

export const volumeInspectCommand: Command = {
  path: 'volume inspect',
  usage: ['VOLUME [VOLUME...]'],
  summary: 'Show what the engine knows of one or more volumes',
  flags: [objectFormatFlag],
  args: { min: 1, max: Infinity },
  run: (context, { flags, args }) => printObjects(context, args, { format: flags.string('format'), fetch: (name) => fetchOne(context, 'volume', { name }) }),
}
