import type { Command } from '../command.ts'
import { printObjects } from '../format/print-objects.ts'
import { objectFormatFlag, platformFlag } from '../grammar/common-flags.ts'
import { platformQuery } from '../client/platform-query.ts'
import { fetchOne } from './inspect.ts'

export const containerInspectCommand: Command = {
  path: 'container inspect',
  usage: ['CONTAINER [CONTAINER...]'],
  summary: 'Show what the engine knows of one or more containers',
  flags: [objectFormatFlag, { name: 'size', short: 's', kind: 'boolean', help: 'Show the sizes of files' }],
  args: { min: 1, max: Infinity },
  run: (context, { flags, args }) =>
    printObjects(context, args, {
      format: flags.string('format'),
      fetch: (name) => fetchOne(context, 'container', { name, size: flags.boolean('size') }),
    }),
}

export const imageInspectCommand: Command = {
  path: 'image inspect',
  usage: ['IMAGE [IMAGE...]'],
  summary: 'Show what the engine knows of one or more images',
  flags: [objectFormatFlag, platformFlag],
  args: { min: 1, max: Infinity },
  run: (context, { flags, args }) =>
    printObjects(context, args, { format: flags.string('format'), fetch: (name) => fetchOne(context, 'image', { name, platform: platformQuery(flags.string('platform')) }) }),
}

export const networkInspectCommand: Command = {
  path: 'network inspect',
  usage: ['NETWORK [NETWORK...]'],
  summary: 'Show what the engine knows of one or more networks',
  flags: [objectFormatFlag, { name: 'verbose', short: 'v', kind: 'boolean', help: 'Show more, for diagnosis' }],
  args: { min: 1, max: Infinity },
  run: (context, { flags, args }) =>
    printObjects(context, args, {
      format: flags.string('format'),
      fetch: (name) => fetchOne(context, 'network', { name, verbose: flags.boolean('verbose') }),
    }),
}
