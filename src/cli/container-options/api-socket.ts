import { Readable } from 'node:stream'
import { tarEntry } from '../../lib/tar/entry.ts'
import { writeTar } from '../../lib/tar/writer.ts'
import { readClientConfig } from '../credentials/config-file.ts'
import { CredentialStore } from '../credentials/credential-store.ts'
import type { CliContext } from '../command.ts'
import type { CreateRequest } from './create-request.ts'
import { OptionError } from './option-error.ts'

const socketInContainer = '/var/run/docker.sock'
const configDirectory = '/run/secrets/docker'

/** --use-api-socket: the engine's socket in the container, and where its programs find the user's credentials. */
export function withApiSocket(request: CreateRequest, context: Pick<CliContext, 'client' | 'configDirectory'>): CreateRequest {
  const { address } = context.client
  if (!('socketPath' in address)) throw new OptionError(`flag --use-api-socket can only be used with unix sockets: docker endpoint ${address.shown} incompatible`)
  const mounts = (request.HostConfig['Mounts'] ?? []) as object[]
  const env = (request['Env'] ?? []) as string[]
  const own = env.some((entry) => entry.startsWith('DOCKER_CONFIG='))
  return {
    ...request,
    Env: own || accounts(context).length === 0 ? request['Env'] : [...env, `DOCKER_CONFIG=${configDirectory}`],
    HostConfig: { ...request.HostConfig, Mounts: [...mounts, { Type: 'bind', Source: address.socketPath, Target: socketInContainer, BindOptions: {} }] },
  }
}

/** Puts the user's credentials, out of helpers too, into a container that was made with --use-api-socket. Nothing when there are none. */
export async function copyCredentials(context: CliContext, container: string, request: CreateRequest): Promise<void> {
  const place = ((request['Env'] ?? []) as string[]).findLast((entry) => entry.startsWith('DOCKER_CONFIG='))
  if (place !== `DOCKER_CONFIG=${configDirectory}`) return
  const addresses = accounts(context)
  const store = new CredentialStore(context.configDirectory)
  const auths: Record<string, object> = {}
  for (const address of addresses) {
    const { username = '', password = '', identitytoken } = await store.get(address)
    auths[address] = { auth: Buffer.from(`${username}:${password}`).toString('base64'), ...(identitytoken && { identitytoken }) }
  }
  const content = Buffer.from(JSON.stringify({ auths }))
  const directory = configDirectory.slice(1)
  const members = [
    ...['run', 'run/secrets', directory].map((name) => ({ entry: tarEntry({ name: `${name}/`, type: 'directory', mode: 0o755 }) })),
    { entry: tarEntry({ name: `${directory}/config.json`, type: 'file', mode: 0o600, size: content.length }), content: Readable.from([content]) },
  ]
  await context.client.text('PUT', `/containers/${container}/archive`, { query: { path: '/' }, stream: writeTar(members) })
}

/** Registries that the user is known to. */
function accounts({ configDirectory: directory }: Pick<CliContext, 'configDirectory'>): string[] {
  const { auths = {}, credHelpers = {} } = readClientConfig(directory)
  return [...Object.keys(auths), ...Object.keys(credHelpers)]
}
