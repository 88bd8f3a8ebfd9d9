import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { messageOf } from '../../lib/errors.ts'
import type { ContainerRecord } from './container.ts'
import { containerPaths, decodeConfigFile, encodeConfigFile } from './record-file.ts'
import type { ContainerPaths } from './record-file.ts'
import { portsShown } from './shown-ports.ts'

/**
 * Containers on disk. A container exists from the rename of its config.v2.json until the unlink of it; a directory
 * without that file is half made or half removed and goes at the next `load`.
 * Files are replaced by rename without fsync: after a kill there is the old one or the new one.
 */
export class ContainerStore {
  readonly #dataRoot: string
  readonly #log: (line: string) => void

  constructor(options: { dataRoot: string; log: (line: string) => void }) {
    this.#dataRoot = options.dataRoot
    this.#log = options.log
    mkdirSync(`${this.#dataRoot}/containers`, { recursive: true, mode: 0o710 })
  }

  paths(id: string): ContainerPaths {
    return containerPaths(this.#dataRoot, id)
  }

  /** The directory with everything but its configuration. */
  prepare(id: string): void {
    const { directory } = this.paths(id)
    mkdirSync(directory, { mode: 0o710 })
    mkdirSync(`${directory}/checkpoints`, { mode: 0o700 })
    mkdirSync(`${directory}/mounts`, { mode: 0o700 })
  }

  saveHostConfig(record: ContainerRecord): void {
    replaceFile(this.paths(record.id).hostConfig, JSON.stringify(portsShown(record.hostConfig)))
  }

  save(record: ContainerRecord): void {
    const paths = this.paths(record.id)
    replaceFile(paths.config, encodeConfigFile(record, paths))
  }

  /** Unmakes the container; what is left of it is only rubbish. */
  forget(id: string): void {
    try {
      unlinkSync(this.paths(id).config)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  /** Puts back what `forget` took, when the removal failed. */
  restore(record: ContainerRecord): void {
    mkdirSync(this.paths(record.id).directory, { recursive: true, mode: 0o710 })
    this.saveHostConfig(record)
    this.save(record)
  }

  async sweep(id: string): Promise<void> {
    await rm(this.paths(id).directory, { recursive: true, force: true })
  }

  /** All containers. Half-made directories are removed; unreadable ones are put aside, `setAside` tells their ids. */
  load(): { records: ContainerRecord[]; setAside: Set<string> } {
    const records: ContainerRecord[] = []
    for (const id of readdirSync(`${this.#dataRoot}/containers`)) {
      const paths = this.paths(id)
      if (!existsSync(paths.config)) {
        this.#log(`removing half-made container ${id}`)
        rmSync(paths.directory, { recursive: true, force: true })
        continue
      }
      try {
        records.push(decodeConfigFile(id, readFileSync(paths.config, 'utf8'), readFileSync(paths.hostConfig, 'utf8')))
      } catch (error) {
        this.#setAside(id, messageOf(error))
      }
    }
    return { records, setAside: this.#listSetAside() }
  }

  #setAside(id: string, reason: string): void {
    const target = `${this.#asideRoot()}/${id}`
    this.#log(`cannot read container ${id}: ${reason}; its directory is kept as ${target}`)
    mkdirSync(this.#asideRoot(), { recursive: true, mode: 0o710 })
    rmSync(target, { recursive: true, force: true })
    renameSync(this.paths(id).directory, target)
  }

  #listSetAside(): Set<string> {
    return new Set(existsSync(this.#asideRoot()) ? readdirSync(this.#asideRoot()) : [])
  }

  #asideRoot(): string {
    return `${this.#dataRoot}/unreadable-containers`
  }
}

function replaceFile(path: string, text: string): void {
  const temporary = `${path}.tmp`
  writeFileSync(temporary, text, { mode: 0o600 })
  renameSync(temporary, path)
}
