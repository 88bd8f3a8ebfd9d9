import type { Command } from '../command.ts'
import { renderList, type Listing } from '../format/listing.ts'
import { checkpointDirFlag } from '../grammar/common-flags.ts'

const listing: Listing = { typeName: '*checkpoint.checkpointContext', titles: { Name: 'CHECKPOINT NAME' }, defaultTable: '{{.Name}}' }

export const checkpointLsCommand: Command = {
  path: 'checkpoint ls',
  usage: ['CONTAINER'],
  summary: 'List checkpoints for a container',
  aliases: ['checkpoint ls', 'checkpoint list'],
  flags: [checkpointDirFlag],
  args: { min: 1, max: 1 },
  async run(context, { flags, args: [container = ''] }) {
    const query = { dir: flags.string('checkpoint-dir') || undefined }
    const checkpoints = await context.client.json<{ Name: string }[] | null>('GET', `/containers/${encodeURIComponent(container)}/checkpoints`, { query })
    context.stdout.write(renderList(listing, (checkpoints ?? []).map(({ Name }) => ({ Name: () => Name })), ''))
  },
}
