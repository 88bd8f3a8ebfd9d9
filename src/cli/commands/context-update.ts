import type { Command } from '../command.ts'
import { checkContextName, ContextStore } from '../contexts/context-store.ts'
import { dockerEndpoint } from '../contexts/docker-endpoint.ts'

export const contextUpdateCommand: Command = {
  path: 'context update',
  usage: ['CONTEXT'],
  summary: 'Change a context',
  flags: [
    { name: 'description', kind: 'string', help: 'Description of the context' },
    { name: 'docker', kind: 'list', placeholder: 'stringToString', help: 'Set the engine: host=URL, ca=FILE, cert=FILE, key=FILE, skip-tls-verify=true, or from=CONTEXT' },
  ],
  args: { min: 1, max: 1 },
  async run(context, { flags, args }) {
    const name = args[0]!
    checkContextName(name)
    const store = new ContextStore(context.configDirectory)
    const stored = store.get(name)
    const given = flags.list('docker')
    const changed = given.length === 0 ? undefined : dockerEndpoint(context, given)
    const description = flags.string('description')
    store.save(
      {
        ...stored,
        Metadata: description === '' ? stored.Metadata : { ...stored.Metadata, Description: description },
        Endpoints: changed === undefined ? stored.Endpoints : { ...stored.Endpoints, docker: changed.docker },
      },
      changed === undefined ? undefined : (changed.tls ?? {}),
    )
    context.stdout.write(`${name}\n`)
    context.stderr.write(`Successfully updated context "${name}"\n`)
  },
}
