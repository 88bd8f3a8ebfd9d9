import { existsSync } from 'node:fs'
import { ExitError } from '../exit-error.ts'

/** Where the engine listens. `shown` is what error messages call it. */
export type EngineAddress = { shown: string } & ({ socketPath: string } | { host: string; port: number })

const dockerSocket = '/var/run/docker.sock'
const gantrySocket = '/run/gantry/gantry.sock'

/** The address from `--host`, else GANTRY_HOST, else DOCKER_HOST, else the first usual socket that exists. */
export function engineAddress(flag: string | undefined, env: NodeJS.ProcessEnv): EngineAddress {
  const given = flag || env['GANTRY_HOST'] || env['DOCKER_HOST']
  if (given) return parseAddress(given)
  return parseAddress(`unix://${!existsSync(dockerSocket) && existsSync(gantrySocket) ? gantrySocket : dockerSocket}`)
}

function parseAddress(text: string): EngineAddress {
  const match = /^([a-z]+):\/\/(.*)$/.exec(text)
  const [scheme, rest] = match ? [match[1], match[2]!] : ['tcp', text]
  if (scheme === 'unix') return { shown: `unix://${rest || dockerSocket}`, socketPath: rest || dockerSocket }
  if (scheme !== 'tcp' && scheme !== 'http') throw new ExitError(`unable to parse docker host \`${text}\``)
  const address = /^(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/.exec(rest)
  if (!address) throw new ExitError(`unable to parse docker host \`${text}\``)
  const host = address[1]!.replace(/^\[|\]$/g, '') || '127.0.0.1'
  return { shown: `tcp://${rest}`, host, port: Number(address[2] ?? 2375) }
}
