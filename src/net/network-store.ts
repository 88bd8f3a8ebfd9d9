import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { NetworkInfo } from './contract.ts'
import type { MadeLinks } from './drivers/contract.ts'

export interface Identity {
  id: string
  created: string
}

interface StoredNetwork {
  network: NetworkInfo
  /** The bridge or parent interface that was made for it. */
  link?: string
}

export const predefined = ['bridge', 'host', 'none'] as const

/**
 * Networks on disk: `<root>/networks.json` has the ids of the three that every engine has, random and as old as the data
 * root; `<root>/networks/<id>.json` is one network that a user made. A network exists from the rename of its file until
 * the unlink of it.
 */
export class NetworkStore implements MadeLinks {
  readonly #root: string
  readonly #stored = new Map<string, StoredNetwork>()

  constructor(root: string) {
    this.#root = root
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(this.#folder)) {
      const file = path.join(this.#folder, name)
      if (!name.endsWith('.json')) rmSync(file)
      else this.#stored.set(name.slice(0, -5), JSON.parse(readFileSync(file, 'utf8')) as StoredNetwork)
    }
  }

  networks(): NetworkInfo[] {
    return [...this.#stored.values()].map(({ network }) => network).toSorted((one, other) => (one.created < other.created ? -1 : 1))
  }

  save(network: NetworkInfo): void {
    this.#write(network.id, { ...this.#stored.get(network.id), network })
  }

  remove(id: string): void {
    rmSync(path.join(this.#folder, `${id}.json`), { force: true })
    this.#stored.delete(id)
  }

  remember(id: string, link: string): void {
    const stored = this.#stored.get(id)
    if (stored !== undefined) this.#write(id, { ...stored, link })
  }

  isOurs(id: string): boolean {
    return this.#stored.get(id)?.link !== undefined
  }

  forget(id: string): void {
    const stored = this.#stored.get(id)
    if (stored !== undefined) this.#write(id, { network: stored.network })
  }

  /** Ids of the predefined networks, made at the first call. */
  identities(): Record<string, Identity> {
    const file = path.join(this.#root, 'networks.json')
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Identity>
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new Error(`cannot read ${file}`, { cause: error })
    }
    const fresh = Object.fromEntries(predefined.map((name) => [name, newIdentity()]))
    replaceFile(file, JSON.stringify(fresh))
    return fresh
  }

  get #folder(): string {
    return path.join(this.#root, 'networks')
  }

  #write(id: string, stored: StoredNetwork): void {
    replaceFile(path.join(this.#folder, `${id}.json`), JSON.stringify(stored))
    this.#stored.set(id, stored)
  }
}

export function newIdentity(): Identity {
  return { id: randomBytes(32).toString('hex'), created: new Date().toISOString() }
}

function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
