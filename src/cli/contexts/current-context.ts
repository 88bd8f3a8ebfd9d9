import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseAddress, usualHost } from '../client/host.ts'
import type { ClientTls, EngineAddress } from '../client/host.ts'
import { readClientConfig } from '../credentials/config-file.ts'
import { ExitError } from '../exit-error.ts'
import type { FlagValues } from '../grammar/flag.ts'
import { clientTls, ContextStore } from './context-store.ts'

/** What says where the engine is: flags before the command, the environment, config.json. */
export interface AddressSources {
  flags: FlagValues
  env: NodeJS.ProcessEnv
  configDirectory: string
}

/** Name of the context in use, and who chose it. Docker's order: --context, --host, DOCKER_HOST, DOCKER_CONTEXT, config.json. */
export function currentContext({ flags, env, configDirectory }: AddressSources): { name: string; host?: string } {
  const asked = flags.string('context')
  const host = flags.list('host').at(-1)
  if (asked && host) throw new ExitError('conflicting options: cannot specify both --host and --context')
  if (asked) return { name: asked }
  const variable = host || env['GANTRY_HOST'] || env['DOCKER_HOST']
  if (variable) return { name: 'default', host: variable }
  return { name: env['DOCKER_CONTEXT'] || (readClientConfig(configDirectory) as { currentContext?: string }).currentContext || 'default' }
}

/** @throws ExitError for a context that does not exist, for certificates that cannot be read */
export function engineAddress(sources: AddressSources): EngineAddress {
  const { name, host } = currentContext(sources)
  if (name === 'default') return parseAddress(host ?? usualHost(), tlsByFlags(sources))
  const store = new ContextStore(sources.configDirectory)
  const endpoint = store.get(name).Endpoints.docker
  return parseAddress(endpoint?.Host || usualHost(), clientTls(store.tls(name), { verify: !endpoint?.SkipTLSVerify }))
}

/** --tls, --tlsverify and their files, DOCKER_TLS, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH. */
export function tlsByFlags({ flags, env, configDirectory }: AddressSources): ClientTls | undefined {
  const verify = flags.boolean('tlsverify') || Boolean(env['DOCKER_TLS_VERIFY'])
  if (!verify && !flags.boolean('tls') && !env['DOCKER_TLS']) return undefined
  const directory = env['DOCKER_CERT_PATH'] || configDirectory || join(env['HOME'] || homedir(), '.docker')
  const read = (flag: string, usual: string, needed: boolean): Buffer | undefined => {
    const given = flags.string(flag)
    const path = given || join(directory, usual)
    try {
      return readFileSync(path)
    } catch (cause) {
      if (!needed && !given) return undefined
      throw new ExitError(`cannot read ${path}: ${(cause as Error).message}`, 1, { cause })
    }
  }
  return { ca: verify ? read('tlscacert', 'ca.pem', true) : undefined, cert: read('tlscert', 'cert.pem', false), key: read('tlskey', 'key.pem', false), verify }
}
