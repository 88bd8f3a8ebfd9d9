import type { Credentials } from '../containerd/distribution/contract.ts'
import { GantryError } from '../lib/errors.ts'
import type { Call } from './call.ts'

const fields = ['username', 'password', 'serveraddress', 'identitytoken', 'registrytoken'] as const

/**
 * What the client knows of the registry's accounts: X-Registry-Auth, JSON in base64url with or without padding. None means
 * anonymous. "auth" stands for "username:password" in base64.
 * @throws InvalidParameter
 */
export function registryCredentials(call: Pick<Call, 'request'>): Credentials {
  const header = call.request.headers['x-registry-auth']
  if (typeof header !== 'string' || header === '') return {}
  const document = parse(header)
  const credentials: Credentials = {}
  for (const field of fields) if (typeof document[field] === 'string' && document[field] !== '') credentials[field] = document[field]
  if (typeof document['auth'] === 'string' && document['auth'] !== '' && credentials.username === undefined) {
    const [username, ...password] = Buffer.from(document['auth'], 'base64').toString('utf8').split(':')
    Object.assign(credentials, { username, password: password.join(':') })
  }
  return credentials
}

function parse(header: string): Record<string, unknown> {
  try {
    const document = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as unknown
    if (typeof document === 'object' && document !== null) return document as Record<string, unknown>
  } catch (error) {
    throw new GantryError('InvalidParameter', 'invalid X-Registry-Auth header: it is no JSON in base64url', { cause: error })
  }
  throw new GantryError('InvalidParameter', 'invalid X-Registry-Auth header: it is no object')
}
