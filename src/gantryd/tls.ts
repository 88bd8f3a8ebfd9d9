import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { TlsOptions } from 'node:tls'
import { GantryError, messageOf } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'

/** Files of the API's TLS. With `verify` only clients whose certificate the authority has signed are let in. */
export interface TlsConfig {
  ca: string
  cert: string
  key: string
  verify: boolean
}

/** --tls, --tlsverify, --tlscacert, --tlscert, --tlskey: Docker's names and places. @throws nothing; files are read by `tlsOptions` */
export function resolveTls(values: FlagValues): TlsConfig | undefined {
  const verify = values.get('tlsverify') === true
  if (!verify && values.get('tls') !== true) return undefined
  const directory = process.env['DOCKER_CERT_PATH'] || join(homedir(), '.docker')
  const file = (name: string, usual: string): string => resolve((values.get(name) as string | undefined) || join(directory, usual))
  return { ca: file('tlscacert', 'ca.pem'), cert: file('tlscert', 'cert.pem'), key: file('tlskey', 'key.pem'), verify }
}

/** Read at start and whenever a listener is made. @throws InvalidParameter naming the file */
export function tlsOptions({ ca, cert, key, verify }: TlsConfig): TlsOptions {
  const options: TlsOptions = {
    cert: read(cert, 'certificate'),
    key: read(key, 'key'),
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    ...(verify && { ca: read(ca, 'CA certificate'), requestCert: true, rejectUnauthorized: true }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new GantryError('InvalidParameter', `could not load X509 key pair (cert: ${JSON.stringify(cert)}, key: ${JSON.stringify(key)}): ${messageOf(error)}`, { cause: error })
  }
  return options
}

function read(path: string, what: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new GantryError('InvalidParameter', `could not read ${what} ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error })
  }
}
