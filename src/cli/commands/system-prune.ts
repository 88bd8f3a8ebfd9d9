import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { forceFlag, pruneBuildCache, pruneContainers, pruneFilterFlag, pruneImages, pruneNetworks, pruneVolumes, runPrunes } from '../prune/prune.ts'
import { confirm } from '../terminal/confirm.ts'

export const systemPruneCommand: Command = {
  path: 'system prune',
  usage: [''],
  summary: 'Remove what is not used',
  flags: [
    { name: 'all', short: 'a', kind: 'boolean', help: 'Remove every image that no container uses, not only dangling ones' },
    pruneFilterFlag,
    forceFlag,
    { name: 'volumes', kind: 'boolean', help: 'Prune anonymous volumes too' },
  ],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const all = flags.boolean('all')
    const volumes = flags.boolean('volumes')
    const filters = flags.list('filter')
    if (volumes && filters.some((filter) => filter.startsWith('until='))) throw new ExitError('ERROR: The "until" filter is not supported with "--volumes"')
    if (!flags.boolean('force') && !(await confirm(context, question({ all, volumes, filters })))) return
    await runPrunes(context, [pruneContainers, pruneNetworks, ...(volumes ? [pruneVolumes] : []), pruneImages(all), pruneBuildCache(all)], filters)
  },
}

function question({ all, volumes, filters }: { all: boolean; volumes: boolean; filters: string[] }): string {
  const warnings = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ]
  const filtered = filters.length === 0 ? '' : `\n  Items to be pruned will be filtered with:${list(filters)}\n`
  return `WARNING! This will remove:${list(warnings)}\n${filtered}\nAre you sure you want to continue?`
}

function list(lines: string[]): string {
  return lines.map((line) => `\n  - ${line}`).join('')
}
