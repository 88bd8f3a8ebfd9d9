import type { Command } from '../command.ts'
import { errorText, ExitError } from '../exit-error.ts'
import { splitReference } from '../client/image-reference.ts'

export const tagCommand: Command = {
  path: 'tag',
  usage: ['SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]'],
  summary: 'Give an image another name',
  aliases: ['image tag', 'tag'],
  flags: [],
  args: { min: 2, max: 2 },
  async run(context, { args }) {
    const [source, target] = args
    const { repository, tag } = readTarget(target!)
    await context.client.text('POST', `/images/${source!}/tag`, { query: { repo: repository, tag: tag || 'latest' } })
  },
}

function readTarget(target: string): { repository: string; tag: string } {
  try {
    return splitReference(target)
  } catch (cause) {
    throw new ExitError(`Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${errorText(cause)}`, 1, { cause })
  }
}
