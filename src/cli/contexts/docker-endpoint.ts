import { readFileSync } from 'node:fs'
import { parseAddress, usualHost } from '../client/host.ts'
import type { CliContext } from '../command.ts'
import { ExitError } from '../exit-error.ts'
import { ContextStore } from './context-store.ts'
import type { ContextTls, StoredContext } from './context-store.ts'

export interface GivenEndpoint {
  docker: StoredContext['Endpoints']['docker']
  /** undefined: as it is. */
  tls: ContextTls | undefined
}

const known = ['from', 'host', 'ca', 'cert', 'key', 'skip-tls-verify']

/** `--docker host=tcp://…,ca=…,cert=…,key=…,skip-tls-verify=true`, or `from=CONTEXT`. @throws ExitError */
export function dockerEndpoint(context: CliContext, values: readonly string[]): GivenEndpoint {
  const fields = new Map<string, string>()
  for (const pair of values.flatMap((value) => value.split(','))) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, Math.max(equals, 0))
    if (equals === -1) throw new ExitError(`invalid argument "${values.join(',')}" for "--docker" flag: ${pair} must be formatted as key=value`)
    if (!known.includes(name)) throw new ExitError(`${name}: unrecognized config key`)
    fields.set(name, pair.slice(equals + 1))
  }
  const from = fields.get('from')
  if (from !== undefined) return copiedEndpoint(context, from)
  const host = fields.get('host')
  if (host !== undefined) parseAddress(host)
  const skip = fields.get('skip-tls-verify') ?? 'false'
  if (skip !== 'true' && skip !== 'false') throw new ExitError(`skip-tls-verify: ${skip} is not a valid boolean`)
  const files = (['ca', 'cert', 'key'] as const).filter((part) => fields.has(part))
  const tls = files.length === 0 ? undefined : Object.fromEntries(files.map((part) => [part, pem(fields.get(part) ?? '')]))
  return { docker: { ...(host === undefined ? {} : { Host: host }), SkipTLSVerify: skip === 'true' }, tls }
}

export function copiedEndpoint(context: CliContext, name: string): GivenEndpoint {
  if (name === 'default') return { docker: { Host: context.env['DOCKER_HOST'] || usualHost(), SkipTLSVerify: false }, tls: undefined }
  const store = new ContextStore(context.configDirectory)
  return { docker: store.get(name).Endpoints.docker, tls: store.tls(name) }
}

function pem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ExitError(`cannot read ${path}: ${(cause as Error).message}`, 1, { cause })
  }
}
