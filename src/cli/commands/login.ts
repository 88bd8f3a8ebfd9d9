import type { CliContext, Command } from '../command.ts'
import { EngineError } from '../client/engine-error.ts'
import { readAll } from '../client/engine-client.ts'
import { CredentialStore, type Credentials } from '../credentials/credential-store.ts'
import { addressOfServer, dockerRegistry } from '../credentials/registry-address.ts'
import { ExitError } from '../exit-error.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { programName } from '../program.ts'
import { prompt } from '../terminal/prompt.ts'

export const loginCommand: Command = {
  path: 'login',
  usage: ['[SERVER]'],
  summary: 'Log in to a registry',
  flags: [
    { name: 'password', short: 'p', kind: 'string', help: 'Password or access token' },
    { name: 'password-stdin', kind: 'boolean', help: 'Take the password from standard input' },
    { name: 'username', short: 'u', kind: 'string', help: 'User name' },
  ],
  args: { min: 0, max: 1 },
  async run(context, { flags, args }) {
    const given = await givenCredentials(context, flags)
    const address = addressOfServer(args[0] ?? '')
    const store = new CredentialStore(context.configDirectory)
    const isNamed = given.username !== '' || given.password !== ''
    const stored = isNamed ? undefined : await store.get(address)
    if (stored?.username && (await loginWithStored(context, store, stored))) return
    const credentials = { ...(await askedCredentials(context, given, address)), serveraddress: address }
    const { Status, IdentityToken } = await authenticate(context, credentials)
    await keep(context, store, IdentityToken ? { ...credentials, password: '', identitytoken: IdentityToken } : credentials)
    context.stdout.write(`${Status}\n`)
  },
}

type Given = { username: string; password: string }

async function givenCredentials(context: CliContext, flags: FlagValues): Promise<Given> {
  const username = flags.string('username')
  const password = flags.string('password')
  if (flags.has('password')) context.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n')
  if (!flags.boolean('password-stdin')) return { username, password }
  if (flags.has('password')) throw new ExitError('--password and --password-stdin are mutually exclusive')
  if (username === '') throw new ExitError('Must provide --username with --password-stdin')
  return { username, password: (await readAll(context.stdin)).replace(/\r?\n$/, '') }
}

/** Answers false when the registry does not take them any more, so that the user is asked. */
async function loginWithStored(context: CliContext, store: CredentialStore, stored: Credentials): Promise<boolean> {
  const { stderr, stdout } = context
  stderr.write(`Authenticating with existing credentials... [Username: ${stored.username}]\n`)
  stderr.write(`\n Info -> To login with a different account, run '${programName} logout' followed by '${programName} login'\n\n\n`)
  try {
    const { Status, IdentityToken } = await authenticate(context, stored)
    if (IdentityToken) await store.store(stored.serveraddress!, { ...stored, password: '', identitytoken: IdentityToken })
    stdout.write(`${Status}\n`)
    return true
  } catch (error) {
    if (!(error instanceof EngineError) || error.status !== 401) throw error
    stderr.write('Login did not succeed, error: ' + error.message + '\n')
    return false
  }
}

async function askedCredentials(context: CliContext, { username, password }: Given, address: string): Promise<Given> {
  if (username !== '' && password !== '') return { username, password }
  if (!context.stdin.isTTY) throw new ExitError('Error: Cannot perform an interactive login from a non TTY device')
  if (address === dockerRegistry) context.stdout.write('Log in with your Docker ID to push and pull images from Docker Hub.\n')
  const name = username || (await prompt(context, 'Username: ', { hidden: false })).trim()
  if (name === '') throw new ExitError('Error: Non-null Username Required')
  const secret = password || (await prompt(context, 'Password: ', { hidden: true }))
  if (secret === '') throw new ExitError('Error: Password Required')
  return { username: name, password: secret }
}

function authenticate(context: CliContext, credentials: Credentials): Promise<{ Status: string; IdentityToken?: string }> {
  return context.client.json('POST', '/auth', { json: credentials })
}

async function keep(context: CliContext, store: CredentialStore, credentials: Credentials): Promise<void> {
  const { serveraddress, ...account } = credentials
  const file = await store.store(serveraddress!, account)
  if (file === undefined) return
  context.stderr.write(`
WARNING! Your credentials are stored unencrypted in '${file}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/

`)
}
