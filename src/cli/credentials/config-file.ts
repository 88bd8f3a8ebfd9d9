import { chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ExitError } from '../exit-error.ts'

/** One account in config.json: "auth" is "user:password" in base64. */
export interface StoredAccount {
  auth?: string
  username?: string
  password?: string
  identitytoken?: string
  registrytoken?: string
}

/** What of config.json concerns registries; everything else in it is kept as it is. */
export interface ClientConfig {
  auths?: Record<string, StoredAccount>
  /** Suffix of the program that keeps all credentials, and of those that keep a registry's. */
  credsStore?: string
  credHelpers?: Record<string, string>
}

/** `<directory>/config.json`, empty when there is none. */
export function readClientConfig(directory: string): ClientConfig {
  const file = join(directory, 'config.json')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return {}
    throw new ExitError(`cannot read ${file}: ${(cause as Error).message}`, 1, { cause })
  }
  try {
    return (text.trim() === '' ? {} : JSON.parse(text)) as ClientConfig
  } catch (cause) {
    throw new ExitError(`cannot read ${file}: ${(cause as Error).message}`, 1, { cause })
  }
}

/** Replaces the file at once, readable for its owner only; a link stays a link. */
export function writeClientConfig(directory: string, config: ClientConfig): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = targetOf(join(directory, 'config.json'))
  const half = join(dirname(file), `config.json.${process.pid}`)
  writeFileSync(half, JSON.stringify(config, null, '\t'), { mode: 0o600 })
  chmodSync(half, 0o600)
  renameSync(half, file)
}

function targetOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}
