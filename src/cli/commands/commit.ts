import type { Command } from '../command.ts'
import { splitReference } from '../client/image-reference.ts'

export const commitCommand: Command = {
  path: 'commit',
  usage: ['CONTAINER [REPOSITORY[:TAG]]'],
  summary: "Create a new image from a container's changes",
  aliases: ['container commit', 'commit'],
  flags: [
    { name: 'author', short: 'a', kind: 'string', help: 'Author of the image (such as "Ada <ada@example.com>")' },
    { name: 'change', short: 'c', kind: 'list', help: 'Apply a Dockerfile instruction to the image' },
    { name: 'message', short: 'm', kind: 'string', help: 'Commit message of the image' },
    { name: 'pause', short: 'p', kind: 'boolean', help: 'Pause the container meanwhile', shownDefault: 'true' },
  ],
  args: { min: 1, max: 2 },
  async run(context, { flags, args }) {
    const [container, reference] = args
    const { repository, tag } = reference === undefined ? { repository: '', tag: '' } : splitReference(reference)
    const { Id } = await context.client.json<{ Id: string }>('POST', '/commit', {
      query: {
        container,
        repo: repository,
        tag,
        comment: flags.string('message'),
        author: flags.string('author'),
        changes: flags.list('change'),
        pause: flags.boolean('pause', true),
      },
      json: null,
    })
    context.stdout.write(`${Id}\n`)
  },
}
