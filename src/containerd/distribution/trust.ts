import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { GantryError } from '../../lib/errors.ts'
import type { Endpoint } from './registry-settings.ts'

/**
 * Whom to believe at an endpoint: the host's authorities (SSL_CERT_FILE and SSL_CERT_DIR are honoured) and those in
 * `<directory>/<host[:port]>/*.crt`. "<name>.cert" and "<name>.key" there are shown to a registry that asks who we are.
 * @throws InvalidParameter for a certificate without a key, and the reverse
 */
export function trustFor(endpoint: Pick<Endpoint, 'host'>, directory: string): SecureContext {
  const place = join(directory, endpoint.host)
  const names = filesIn(place)
  const ca = hostAuthorities()
  for (const name of names.filter((each) => each.endsWith('.crt'))) ca.push(readFileSync(join(place, name), 'utf8'))
  const own = names.filter((each) => each.endsWith('.cert'))
  for (const name of own) require(names, name, name.replace(/\.cert$/, '.key'))
  for (const name of names.filter((each) => each.endsWith('.key'))) require(names, name, name.replace(/\.key$/, '.cert'))
  const pairs = own.map((name) => ({ cert: readFileSync(join(place, name), 'utf8'), key: readFileSync(join(place, name.replace(/\.cert$/, '.key')), 'utf8') }))
  return createSecureContext({ ca, ...(pairs.length > 0 && { cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) }) })
}

/** Those that Node brings stand in on a host that has none. */
function hostAuthorities(): string[] {
  const own = getCACertificates('system')
  return own.length > 0 ? [...own] : [...getCACertificates('bundled')]
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

function require(names: readonly string[], name: string, other: string): void {
  if (names.includes(other)) return
  const [missing, present] = other.endsWith('.key') ? ['key', 'certificate'] : ['client certificate', 'key']
  throw new GantryError('InvalidParameter', `missing ${missing} ${other} for ${present} ${name}`)
}
