import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientTls } from '../client/host.ts'
import { ExitError } from '../exit-error.ts'

/** A named engine. Files and keys as docker's, so that both clients share them: `contexts/meta/<sha256 of name>/meta.json`. */
export interface StoredContext {
  Name: string
  Metadata: { Description?: string; [key: string]: unknown }
  Endpoints: { docker?: { Host?: string; SkipTLSVerify: boolean } }
}

/** PEM texts. */
export interface ContextTls {
  ca?: string
  cert?: string
  key?: string
}

const tlsFiles = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' } as const

export class ContextStore {
  readonly #root: string

  /** @param configDirectory that of config.json */
  constructor(configDirectory: string) {
    this.#root = join(configDirectory, 'contexts')
  }

  list(): StoredContext[] {
    const directory = join(this.#root, 'meta')
    if (!existsSync(directory)) return []
    return readdirSync(directory)
      .flatMap((entry) => this.#read(join(directory, entry, 'meta.json')) ?? [])
      .toSorted((one, other) => one.Name.localeCompare(other.Name, 'en'))
  }

  find(name: string): StoredContext | undefined {
    return this.#read(join(this.metadataPath(name), 'meta.json'))
  }

  /** @throws ExitError with docker's words */
  get(name: string): StoredContext {
    const found = this.find(name)
    if (found === undefined) throw new ExitError(`context ${JSON.stringify(name)}: context not found: open ${join(this.metadataPath(name), 'meta.json')}: no such file or directory`)
    return found
  }

  /** `tls` undefined: certificates stay as they are. */
  save(context: StoredContext, tls?: ContextTls): void {
    if (tls !== undefined) this.#saveTls(context.Name, tls)
    const directory = this.metadataPath(context.Name)
    mkdirSync(directory, { recursive: true, mode: 0o755 })
    const half = join(directory, `meta.json.${process.pid}`)
    writeFileSync(half, JSON.stringify(context), { mode: 0o644 })
    renameSync(half, join(directory, 'meta.json'))
  }

  remove(name: string): void {
    rmSync(this.metadataPath(name), { recursive: true, force: true })
    rmSync(this.tlsPath(name), { recursive: true, force: true })
  }

  tls(name: string): ContextTls {
    const found: ContextTls = {}
    for (const [part, file] of Object.entries(tlsFiles) as [keyof ContextTls, string][]) {
      const path = join(this.tlsPath(name), 'docker', file)
      if (existsSync(path)) found[part] = readFileSync(path, 'utf8')
    }
    return found
  }

  metadataPath(name: string): string {
    return join(this.#root, 'meta', digest(name))
  }

  tlsPath(name: string): string {
    return join(this.#root, 'tls', digest(name))
  }

  #saveTls(name: string, tls: ContextTls): void {
    rmSync(this.tlsPath(name), { recursive: true, force: true })
    if (Object.values(tls).every((text) => text === undefined)) return
    const directory = join(this.tlsPath(name), 'docker')
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const [part, file] of Object.entries(tlsFiles) as [keyof ContextTls, string][]) {
      const text = tls[part]
      if (text !== undefined) writeFileSync(join(directory, file), text, { mode: 0o600 })
    }
  }

  #read(file: string): StoredContext | undefined {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as StoredContext
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw new ExitError(`cannot read ${file}: ${message}`, 1, { cause })
    }
  }
}

export function clientTls(files: ContextTls, { verify }: { verify: boolean }): ClientTls | undefined {
  const { ca, cert, key } = files
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  return { ca: bytes(ca), cert: bytes(cert), key: bytes(key), verify }
}

/** @throws ExitError */
export function checkContextName(name: string): void {
  if (name === 'default') throw new ExitError('"default" is a reserved context name')
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/.test(name)) {
    throw new ExitError(`context name ${JSON.stringify(name)} is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"`)
  }
}

function digest(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}

function bytes(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text)
}
