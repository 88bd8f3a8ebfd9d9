import type { Command } from '../command.ts'
import { alignColumns } from '../format/table.ts'

export const topCommand: Command = {
  path: 'top',
  usage: ['CONTAINER [ps OPTIONS]'],
  summary: "Show a container's processes",
  aliases: ['container top', 'top'],
  flags: [],
  args: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, { args }) {
    const [container, ...options] = args
    const answer = await context.client.json<{ Titles: string[]; Processes: string[][] | null }>(
      'GET',
      `/containers/${encodeURIComponent(container!)}/top`,
      { query: { ps_args: options.join(' ') } },
    )
    const lines = [answer.Titles, ...(answer.Processes ?? [])].map((cells) => `${cells.join('\t')}\n`)
    context.stdout.write(alignColumns(lines.join(''), { minimumWidth: 20 }))
  },
}
