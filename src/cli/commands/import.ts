import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { CliContext, Command } from '../command.ts'
import { splitReference } from '../client/image-reference.ts'
import { showProgress } from '../display/progress.ts'
import { ExitError } from '../exit-error.ts'
import { platformFlag } from '../grammar/common-flags.ts'
import { openFailure } from './load.ts'

export const importCommand: Command = {
  path: 'import',
  usage: ['file|URL|- [REPOSITORY[:TAG]]'],
  summary: 'Make an image from a tarball of a filesystem',
  aliases: ['image import', 'import'],
  flags: [
    { name: 'change', short: 'c', kind: 'list', help: 'Apply a Dockerfile instruction to the image' },
    { name: 'message', short: 'm', kind: 'string', help: 'Commit message of the image' },
    platformFlag,
  ],
  args: { min: 1, max: 2 },
  async run(context, { flags, args }) {
    const [source, reference] = args
    const isRemote = /^https?:\/\//.test(source!)
    const { repository, tag } = reference === undefined ? { repository: '', tag: '' } : splitReference(reference)
    const response = await context.client.open('POST', '/images/create', {
      query: {
        fromSrc: isRemote ? source : '-',
        repo: repository,
        tag,
        message: flags.string('message'),
        platform: flags.string('platform'),
        changes: flags.list('change'),
      },
      ...(!isRemote && { stream: await openSource(context, source!) }),
    })
    await showProgress(response.body, context.stdout)
  },
}

async function openSource(context: CliContext, source: string): Promise<Readable> {
  if (source === '-') return context.stdin
  await stat(source).catch((cause: Error) => Promise.reject(new ExitError(`open ${source}: ${openFailure(cause)}`, 1, { cause })))
  return createReadStream(source)
}
