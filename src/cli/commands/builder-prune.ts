import { humanSize } from '../format/human.ts'
import { filtersQuery } from '../client/filters.ts'
import type { Command } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { forceFlag, pruneFilterFlag } from '../prune/prune.ts'
import { confirm } from '../terminal/confirm.ts'

const units: Record<string, number> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

export const builderPruneCommand: Command = {
  path: 'builder prune',
  usage: [''],
  aliases: ['builder prune', 'buildx prune'],
  summary: 'Remove build cache',
  flags: [
    { name: 'all', short: 'a', kind: 'boolean', help: 'Remove all unused build cache, not just dangling ones' },
    pruneFilterFlag,
    forceFlag,
    { name: 'keep-storage', kind: 'string', placeholder: 'bytes', help: 'Amount of disk space to keep for cache' },
    { name: 'reserved-space', kind: 'string', placeholder: 'bytes', help: 'Amount of disk space always allowed to keep for cache' },
    { name: 'max-used-space', kind: 'string', placeholder: 'bytes', help: 'Maximum amount of disk space allowed to keep for cache' },
    { name: 'min-free-space', kind: 'string', placeholder: 'bytes', help: 'Target amount of free disk space after pruning' },
  ],
  args: { min: 0, max: 0 },
  async run(context, { flags }) {
    const all = flags.boolean('all')
    const question = `WARNING! This will remove all ${all ? '' : 'dangling '}build cache. Are you sure you want to continue?`
    if (!flags.boolean('force') && !(await confirm(context, question))) return
    const bytes = (name: string): string | undefined => {
      const asked = bytesOf(name, flags.string(name))
      return asked === 0 ? undefined : String(asked)
    }
    const query = { all: all || undefined, filters: filtersQuery(flags.list('filter')), 'keep-storage': bytes('keep-storage'), 'reserved-space': bytes('reserved-space'), 'max-used-space': bytes('max-used-space'), 'min-free-space': bytes('min-free-space') }
    const { CachesDeleted, SpaceReclaimed } = await context.client.json<{ CachesDeleted: string[] | null; SpaceReclaimed: number }>('POST', '/build/prune', { query })
    if (CachesDeleted?.length) context.stdout.write(`Deleted build cache objects:\n${CachesDeleted.join('\n')}\n\n`)
    context.stdout.write(`Total reclaimed space: ${humanSize(SpaceReclaimed)}\n`)
  },
}

/** Factors of 1024, as docker reads it. */
function bytesOf(name: string, text: string): number {
  if (text === '') return 0
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([bkmgt]?)i?b?$/i.exec(text) ?? []
  if (number === '') throw new ExitError(`invalid argument ${JSON.stringify(text)} for "--${name}" flag: invalid size: '${text}'`)
  return Math.floor(Number(number) * units[unit.toLowerCase()]!)
}
