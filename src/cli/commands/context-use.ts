import type { Command } from '../command.ts'
import { checkContextName, ContextStore } from '../contexts/context-store.ts'
import { readClientConfig, writeClientConfig } from '../credentials/config-file.ts'
import type { ClientConfig } from '../credentials/config-file.ts'

export const contextUseCommand: Command = {
  path: 'context use',
  usage: ['CONTEXT'],
  summary: 'Set the context that commands use',
  flags: [],
  args: { min: 1, max: 1 },
  async run(context, { args }) {
    const name = args[0]!
    if (name !== 'default') {
      checkContextName(name)
      new ContextStore(context.configDirectory).get(name)
    }
    useContext(context.configDirectory, name)
    context.stdout.write(`${name}\n`)
    context.stderr.write(`Current context is now "${name}"\n`)
    if (name !== 'default' && context.env['DOCKER_HOST']) {
      context.stderr.write(`Warning: DOCKER_HOST environment variable overrides the active context. To use "${name}", either set the global --context flag, or unset DOCKER_HOST environment variable.\n`)
    }
  },
}

/** In config.json; "default" is not written there. */
export function useContext(configDirectory: string, name: string): void {
  const { currentContext: _before, ...rest } = readClientConfig(configDirectory) as ClientConfig & { currentContext?: string }
  writeClientConfig(configDirectory, (name === 'default' ? rest : { ...rest, currentContext: name }) as ClientConfig)
}
