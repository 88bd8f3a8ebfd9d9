import { Writable } from 'node:stream'
import type { CliContext, Command } from '../command.ts'
import { canonicalName, splitReference, withDefaultTag } from '../client/image-reference.ts'
import { CredentialStore } from '../credentials/credential-store.ts'
import { showProgress } from '../display/progress.ts'
import { ExitError } from '../exit-error.ts'
import { platformFlag, quietFlag } from '../grammar/common-flags.ts'

export const pullCommand: Command = {
  path: 'pull',
  usage: ['NAME[:TAG|@DIGEST]'],
  summary: 'Download an image from a registry',
  aliases: ['image pull', 'pull'],
  flags: [
    { name: 'all-tags', short: 'a', kind: 'boolean', help: 'Download all tags of the repository' },
    { name: 'disable-content-trust', kind: 'boolean', help: 'Skip verification', hidden: true },
    platformFlag,
    quietFlag('Show no progress'),
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const [name] = args
    const allTags = flags.boolean('all-tags')
    if (allTags && splitReference(name!).tag !== '') throw new ExitError("tag can't be used with --all-tags/-a")
    const quiet = flags.boolean('quiet')
    if (!allTags && !quiet && splitReference(name!).tag === '') context.stdout.write('Using default tag: latest\n')
    const reference = allTags ? name! : withDefaultTag(name!)
    await pullImage(context, { reference, platform: flags.string('platform'), target: quiet ? undefined : context.stdout })
    context.stdout.write(`${canonicalName(reference)}\n`)
  },
}

/** Pulls and shows progress on `target`; errors of the registry are the engine's. */
export async function pullImage(
  context: CliContext,
  options: { reference: string; platform: string; target: NodeJS.WriteStream | undefined },
): Promise<void> {
  const { repository, tag } = splitReference(options.reference)
  const response = await context.client.open('POST', '/images/create', {
    query: { fromImage: repository, tag, platform: options.platform || undefined },
    headers: await new CredentialStore(context.configDirectory).headerFor(options.reference),
  })
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  await showProgress(response.body, options.target ?? nowhere)
}
