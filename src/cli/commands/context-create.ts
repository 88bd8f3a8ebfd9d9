import type { Command } from '../command.ts'
import { checkContextName, ContextStore } from '../contexts/context-store.ts'
import { copiedEndpoint, dockerEndpoint } from '../contexts/docker-endpoint.ts'
import { ExitError } from '../exit-error.ts'

export const contextCreateCommand: Command = {
  path: 'context create',
  usage: ['CONTEXT'],
  summary: 'Create a context',
  flags: [
    { name: 'description', kind: 'string', help: 'Description of the context' },
    { name: 'docker', kind: 'list', placeholder: 'stringToString', help: 'Set the engine: host=URL, ca=FILE, cert=FILE, key=FILE, skip-tls-verify=true, or from=CONTEXT' },
    { name: 'from', kind: 'string', help: 'Create from a named context' },
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const name = args[0]!
    checkContextName(name)
    const store = new ContextStore(context.configDirectory)
    if (store.find(name) !== undefined) throw new ExitError(`context ${JSON.stringify(name)} already exists`)
    const given = flags.list('docker')
    const from = flags.string('from')
    if (given.length === 0 && from === '') throw new ExitError('docker endpoint configuration is required')
    const { docker, tls } = given.length > 0 ? dockerEndpoint(context, given) : copiedEndpoint(context, from)
    const description = flags.string('description')
    store.save({ Name: name, Metadata: description === '' ? {} : { Description: description }, Endpoints: { docker } }, tls)
    context.stdout.write(`${name}\n`)
    context.stderr.write(`Successfully created context "${name}"\n`)
  },
}
