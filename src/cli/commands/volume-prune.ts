import { ExitError } from '../exit-error.ts'
import { pruneCommand, pruneVolumes, type Prune } from '../prune/prune.ts'

const pruneAll: Prune = (context, filters) => {
  if (filters.some((filter) => filter.startsWith('all='))) throw new ExitError('conflicting options: cannot specify both --all and --filter all=1')
  return pruneVolumes(context, [...filters, 'all=true'])
}

export const volumePruneCommand = pruneCommand({
  path: 'volume prune',
  summary: 'Remove volumes that no container uses',
  flags: [{ name: 'all', short: 'a', kind: 'boolean', help: 'Remove those with a name too, not only anonymous ones' }],
  warning: (all) => `This will remove ${all ? 'all' : 'anonymous'} local volumes not used by at least one container.`,
  prune: (all) => (all ? pruneAll : pruneVolumes),
})
