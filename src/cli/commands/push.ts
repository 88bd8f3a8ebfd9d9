import { Writable } from 'node:stream'
import { platformQuery } from '../client/platform-query.ts'
import type { Command } from '../command.ts'
import { canonicalName, splitReference, withDefaultTag } from '../client/image-reference.ts'
import { CredentialStore } from '../credentials/credential-store.ts'
import { showProgress } from '../display/progress.ts'
import { ExitError } from '../exit-error.ts'
import { platformFlag, quietFlag } from '../grammar/common-flags.ts'

export const pushCommand: Command = {
  path: 'push',
  usage: ['NAME[:TAG]'],
  summary: 'Upload an image to a registry',
  aliases: ['image push', 'push'],
  flags: [
    { name: 'all-tags', short: 'a', kind: 'boolean', help: 'Upload all tags of the repository' },
    { name: 'disable-content-trust', kind: 'boolean', help: 'Skip signing', hidden: true },
    platformFlag,
    quietFlag('Show no progress'),
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const [name = ''] = args
    const allTags = flags.boolean('all-tags')
    const quiet = flags.boolean('quiet')
    const { repository, tag } = splitReference(name)
    if (name.includes('@')) throw new ExitError('cannot push a digest reference')
    if (allTags && tag !== '') throw new ExitError("tag can't be used with --all-tags/-a")
    if (!allTags && !quiet && tag === '') context.stdout.write('Using default tag: latest\n')
    const response = await context.client.open('POST', `/images/${repository}/push`, {
      query: { tag: allTags ? undefined : tag || 'latest', platform: platformQuery(flags.string('platform')) },
      headers: await new CredentialStore(context.configDirectory).headerFor(name),
    })
    await showProgress(response.body, quiet ? new Writable({ write: (_chunk, _encoding, done) => done() }) : context.stdout)
    if (quiet) context.stdout.write(`${canonicalName(allTags ? name : withDefaultTag(name))}\n`)
  },
}
