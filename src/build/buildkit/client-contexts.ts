import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BuildSession, SyncDirectory } from './build-session.ts'

/** Directories of clients that are kept at most, and for how long after their last use. */
const maxKept = 32
const maxAgeMilliseconds = 7 * 24 * 60 * 60 * 1000

export interface ClientDirectory {
  root: string
  /** Afterwards it may change again. */
  release(): Promise<void>
}

/**
 * Copies of clients' directories. Those with a key stay, so that the next build gets only what has changed; `index.json` beside the tree
 * says what is in it, and is away while the tree changes: without it the next transfer begins anew.
 */
export class ClientContexts {
  readonly #root: string
  readonly #busy = new Set<string>()

  constructor(root: string) {
    this.#root = root
    mkdirSync(root, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(root)) if (name.startsWith('once-')) rmSync(join(root, name), { recursive: true, force: true })
    this.#trim()
  }

  /** @param key names the directory among those of the session's shared key; undefined: it is not kept */
  async sync(session: BuildSession, { key, ...sync }: Omit<SyncDirectory, 'root' | 'before'> & { key?: string }): Promise<ClientDirectory> {
    const { sharedKey } = session.head
    const kept = key === undefined || sharedKey === '' ? undefined : createHash('sha256').update(`${sharedKey}\0${key}\0${sync.name}`).digest('hex').slice(0, 32)
    // Two builds of one directory at once: the second has a copy of its own.
    const place = kept === undefined || this.#busy.has(kept) ? `once-${randomBytes(16).toString('hex')}` : kept
    this.#busy.add(place)
    const directory = join(this.#root, place)
    const root = join(directory, 'tree')
    const release = async (): Promise<void> => {
      if (place !== kept) await rm(directory, { recursive: true, force: true })
      this.#busy.delete(place)
      this.#trim()
    }
    try {
      const before = takeIndex(directory)
      if (before === undefined) await rm(root, { recursive: true, force: true })
      mkdirSync(root, { recursive: true, mode: 0o755 })
      const after = await session.syncDirectory({ ...sync, root, before: before ?? new Map() })
      if (place === kept) putIndex(directory, after)
      return { root, release }
    } catch (error) {
      await release()
      throw error
    }
  }

  /** Takes away what no build uses. @returns bytes are not counted: these are copies of what clients have */
  forget(): void {
    for (const name of this.#kept()) rmSync(join(this.#root, name), { recursive: true, force: true })
  }

  #kept(): string[] {
    return readdirSync(this.#root).filter((name) => !this.#busy.has(name))
  }

  #trim(): void {
    const byAge = this.#kept().map((name) => ({ name, used: usedAt(join(this.#root, name)) })).toSorted((one, other) => other.used - one.used)
    const now = Date.now()
    for (const [index, { name, used }] of byAge.entries()) {
      if (index >= maxKept || now - used > maxAgeMilliseconds) rmSync(join(this.#root, name), { recursive: true, force: true })
    }
  }
}

function usedAt(directory: string): number {
  return statSync(join(directory, 'index.json'), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function takeIndex(directory: string): Map<string, string> | undefined {
  const file = join(directory, 'index.json')
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  rmSync(file)
  try {
    return new Map(JSON.parse(text) as [string, string][])
  } catch {
    return undefined
  }
}

function putIndex(directory: string, index: ReadonlyMap<string, string>): void {
  const file = join(directory, 'index.json')
  writeFileSync(`${file}.new`, JSON.stringify([...index]), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
