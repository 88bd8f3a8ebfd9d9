import { filtersQuery } from '../client/filters.ts'
import type { CliContext, Command } from '../command.ts'
import { humanSize } from '../format/human.ts'
import type { Flag } from '../grammar/flag.ts'
import { confirm } from '../terminal/confirm.ts'

/** What one kind of thing lost: its lines under a title, and bytes. */
export interface Pruned {
  text: string
  reclaimed: number
}

export type Prune = (context: CliContext, filters: string[]) => Promise<Pruned>

export const pruneFilterFlag: Flag = { name: 'filter', kind: 'list', placeholder: 'filter', help: 'Prune only what matches (such as "until=24h")' }
export const forceFlag: Flag = { name: 'force', short: 'f', kind: 'boolean', help: 'Do not ask' }

export const pruneContainers: Prune = async (context, filters) => {
  const answer = await context.client.json<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>('POST', '/containers/prune', { query: { filters: filtersQuery(filters) } })
  return pruned('Deleted Containers:', answer.ContainersDeleted ?? [], answer.SpaceReclaimed)
}

export const pruneNetworks: Prune = async (context, filters) => {
  const answer = await context.client.json<{ NetworksDeleted: string[] | null }>('POST', '/networks/prune', { query: { filters: filtersQuery(filters) } })
  return pruned('Deleted Networks:', answer.NetworksDeleted ?? [], 0)
}

export const pruneVolumes: Prune = async (context, filters) => {
  const answer = await context.client.json<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }>('POST', '/volumes/prune', { query: { filters: filtersQuery(filters) } })
  return pruned('Deleted Volumes:', answer.VolumesDeleted ?? [], answer.SpaceReclaimed)
}

export function pruneImages(all: boolean): Prune {
  return async (context, filters) => {
    const query = { filters: filtersQuery([...filters, `dangling=${!all}`]) }
    const answer = await context.client.json<{ ImagesDeleted: { Untagged?: string; Deleted?: string }[] | null; SpaceReclaimed: number }>('POST', '/images/prune', { query })
    const lines = (answer.ImagesDeleted ?? []).map(({ Untagged, Deleted }) => (Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted ?? ''}`))
    return pruned('Deleted Images:', lines, answer.SpaceReclaimed)
  }
}

export function pruneBuildCache(all: boolean): Prune {
  return async (context, filters) => {
    const query = { all: all || undefined, filters: filtersQuery(filters) }
    const answer = await context.client.json<{ CachesDeleted: string[] | null; SpaceReclaimed: number }>('POST', '/build/prune', { query })
    return pruned('Deleted build cache objects:', answer.CachesDeleted ?? [], answer.SpaceReclaimed)
  }
}

function pruned(title: string, lines: string[], reclaimed: number): Pruned {
  return { text: lines.length === 0 ? '' : [title, ...lines, ''].join('\n'), reclaimed }
}

/** Runs some and tells what they removed, and at the end how much room that gave. */
export async function runPrunes(context: CliContext, prunes: readonly Prune[], filters: string[]): Promise<void> {
  let reclaimed = 0
  for (const prune of prunes) {
    const { text, reclaimed: bytes } = await prune(context, filters)
    if (text !== '') context.stdout.write(`${text}\n`)
    reclaimed += bytes
  }
  context.stdout.write(`Total reclaimed space: ${humanSize(reclaimed)}\n`)
}

/** A command that prunes one kind of thing. */
export function pruneCommand(parts: Pick<Command, 'path' | 'summary'> & { flags?: Flag[]; warning: (all: boolean) => string; prune: (all: boolean) => Prune }): Command {
  const { path, summary, flags = [], warning, prune } = parts
  return {
    path,
    usage: [''],
    summary,
    flags: [...flags, pruneFilterFlag, forceFlag],
    args: { min: 0, max: 0 },
    async run(context, invocation) {
      const all = invocation.flags.boolean('all')
      const question = `WARNING! ${warning(all)}\nAre you sure you want to continue?`
      if (!invocation.flags.boolean('force') && !(await confirm(context, question))) return
      await runPrunes(context, [prune(all)], invocation.flags.list('filter'))
    },
  }
}
