import { GantryError } from '../../lib/errors.ts'
import type { Credentials, Distribution } from './contract.ts'
import { atRegistry } from './registry.ts'
import { defaultDomain } from './registry-settings.ts'
import type { DistributionRoom } from './room.ts'

/** Asks a registry for the base of its API with the credentials. */
export async function login({ settings, userAgent }: DistributionRoom, credentials: Credentials): ReturnType<Distribution['login']> {
  const domain = domainOf(credentials.serveraddress ?? '')
  return await atRegistry(domain, { settings, userAgent, credentials, mirrors: false }, async (registry) => {
    const url = registry.url('')
    await registry.authorization.header({ method: 'GET', url }, [], { offline: true })
    const answer = await registry.send({ method: 'GET', url })
    answer.body.resume()
    if (answer.status === 200) return { Status: 'Login Succeeded', IdentityToken: registry.authorization.identityToken }
    const kind = answer.status === 401 ? 'Unauthorized' : 'System'
    throw new GantryError(kind, `login attempt to ${url.href} failed with status: ${answer.status} ${answer.body.statusMessage ?? ''}`.trimEnd())
  })
}

/** "https://index.docker.io/v1/" is Docker's name for its registry since long ago. */
function domainOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').split('/', 1)[0] ?? ''
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? defaultDomain : host
}
