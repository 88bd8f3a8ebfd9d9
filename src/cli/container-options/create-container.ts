import { existsSync, writeFileSync } from 'node:fs'
import type { CliContext } from '../command.ts'
import { type EngineError, isNotFound } from '../client/engine-error.ts'
import { withDefaultTag } from '../client/image-reference.ts'
import { ExitError } from '../exit-error.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { copyCredentials } from './api-socket.ts'
import type { CreateRequest } from './create-request.ts'

/** Creates the container, pulling the image first if --pull says so; answers the identifier. */
export async function createContainer(context: CliContext, given: { request: CreateRequest; flags: FlagValues }): Promise<string> {
  const { request, flags } = given
  const cidfile = flags.string('cidfile')
  if (cidfile !== '' && existsSync(cidfile)) {
    throw new ExitError(`container ID file found, make sure the other container isn't running or delete ${cidfile}`)
  }
  // A bare identifier is not a reference; the engine knows it as it is.
  const image = /^[a-f\d]{64}$/.test(request.Image) || request.Image.startsWith('sha256:') ? request.Image : withDefaultTag(request.Image)
  const policy = flags.string('pull', 'missing')
  const platform = flags.string('platform')
  if (policy === 'always') await pull(context, { image, platform, quiet: flags.boolean('quiet') })
  const post = () =>
    context.client.json<{ Id: string; Warnings?: string[] | null }>('POST', '/containers/create', {
      query: { name: flags.string('name'), platform },
      json: request,
    })
  const created = await post().catch(async (error: unknown) => {
    if (policy !== 'missing' || !isMissingImage(error)) throw error
    if (!flags.boolean('quiet')) context.stderr.write(`Unable to find image '${image}' locally\n`)
    await pull(context, { image, platform, quiet: flags.boolean('quiet') })
    return post()
  })
  for (const warning of created.Warnings ?? []) context.stderr.write(`WARNING: ${warning}\n`)
  if (cidfile !== '') writeFileSync(cidfile, created.Id)
  if (flags.boolean('use-api-socket')) await copyCredentials(context, created.Id, request)
  return created.Id
}

function isMissingImage(error: unknown): boolean {
  return isNotFound(error) && /no such image/i.test((error as EngineError).reason)
}

async function pull(context: CliContext, given: { image: string; platform: string; quiet: boolean }): Promise<void> {
  const { pullImage } = await import('../commands/pull.ts')
  await pullImage(context, { reference: given.image, platform: given.platform, target: given.quiet ? undefined : context.stderr })
}
