import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import type { ProjectQuota } from '../../containerd/snapshots/quota/project-quota.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { CreateVolume } from '../engine.ts'
import { localOptionsProblem, quotaOf } from './local-options.ts'
import { mountsBelow } from './mount-table.ts'
import { anonymousLabel, checkVolumeName, inventName, noSuchVolume, volumeError } from './names.ts'

/** What volume.json says. */
export interface VolumeRecord {
  name: string
  driver: 'local'
  /** RFC 3339. */
  createdAt: string
  labels: Record<string, string> | null
  options: Record<string, string> | null
}

const recordFile = 'volume.json'
/** Holds the id of a container that this volume comes, or goes, with: without that container the volume is rubbish. */
const ownerFile = 'container'
const half = '.tmp-'

/**
 * Volumes on disk: `<data-root>/volumes/<name>/{volume.json,_data}`. One is made and removed under a name that begins with ".tmp-"
 * and moved by one rename: after a kill it is whole or not there. Who uses a volume is known in memory, from the containers.
 */
export class VolumeStore {
  readonly #root: string
  readonly #log: (line: string) => void
  readonly #quota: ProjectQuota | undefined
  readonly #records = new Map<string, VolumeRecord>()
  /** Containers that refer to a volume, running or not. */
  readonly #users = new Map<string, Set<string>>()

  /** `quota`: of the file system that holds `<data-root>/volumes`, where it has any. */
  constructor({ dataRoot, log, quota }: { dataRoot: string; log: (line: string) => void; quota?: (root: string) => ProjectQuota | undefined }) {
    this.#root = `${dataRoot}/volumes`
    this.#log = log
    mkdirSync(this.#root, { recursive: true, mode: 0o701 })
    this.#quota = quota?.(this.#root)
    for (const entry of readdirSync(this.#root, { withFileTypes: true })) if (entry.isDirectory()) this.#load(entry.name)
  }

  directory(name: string): string {
    return `${this.#root}/${name}`
  }

  data(name: string): string {
    return `${this.#root}/${name}/_data`
  }

  list(): VolumeRecord[] {
    return [...this.#records.values()]
  }

  find(name: string): VolumeRecord | undefined {
    return this.#records.get(name)
  }

  /** @throws NotFound */
  get(name: string): VolumeRecord {
    const record = this.#records.get(name)
    if (record === undefined) throw noSuchVolume(name)
    return record
  }

  /**
   * The volume of that name, made when it is missing. With an `owner` a new one is rubbish until that container exists.
   * @throws InvalidParameter, NotFound for another driver than "local"
   */
  create(request: CreateVolume, owner?: string): { record: VolumeRecord; isNew: boolean } {
    const { Driver: driver = '', DriverOpts, Labels } = request
    const name = request.Name || inventName()
    if (driver !== '' && driver !== 'local') throw volumeError('create', name, `error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`, 'NotFound')
    const known = this.#records.get(name)
    if (known !== undefined) return { record: known, isNew: false }
    checkVolumeName(name)
    const problem = localOptionsProblem(DriverOpts ?? {}, this.#quota !== undefined)
    if (problem !== undefined) throw volumeError('create', name, problem)
    const labels = request.Name ? Labels : { ...Labels, [anonymousLabel]: '' }
    const record: VolumeRecord = { name, driver: 'local', createdAt: `${new Date().toISOString().slice(0, 19)}Z`, labels: filled(labels), options: filled(DriverOpts) }
    this.#write(record, owner)
    this.#records.set(name, record)
    return { record, isNew: true }
  }

  /** A volume that is in use is not removed. What is mounted in it has to be gone. @throws NotFound, Conflict */
  async remove(name: string): Promise<void> {
    this.get(name)
    const users = this.users(name)
    if (users.length > 0) throw volumeError('remove', name, `volume is in use - [${users.join(', ')}]`, 'Conflict')
    const mounted = mountsBelow(this.directory(name))
    if (mounted.length > 0) throw volumeError('remove', name, `it is mounted: ${mounted.join(', ')}`, 'Conflict')
    this.#records.delete(name)
    await this.#discard(name)
  }

  /** Ids of the containers that refer to it. */
  users(name: string): string[] {
    return [...(this.#users.get(name) ?? [])]
  }

  refer(name: string, containerId: string): void {
    const users = this.#users.get(name) ?? new Set()
    this.#users.set(name, users.add(containerId))
  }

  release(name: string, containerId: string): void {
    this.#users.get(name)?.delete(containerId)
  }

  /** From now on the volume goes with the container, also when the engine is killed before it comes to that. */
  own(name: string, containerId: string): void {
    if (this.#records.has(name)) writeFileSync(`${this.directory(name)}/${ownerFile}`, containerId)
  }

  disown(name: string): void {
    rmSync(`${this.directory(name)}/${ownerFile}`, { force: true })
  }

  /** Finishes what an earlier engine left half done, once all containers are known. `exists`: whether there is such a container. */
  async settle(exists: (containerId: string) => boolean): Promise<void> {
    for (const name of this.#records.keys()) {
      const owner = this.#ownerOf(name)
      if (owner === undefined) continue
      if (exists(owner) || this.users(name).length > 0) {
        this.disown(name)
      } else {
        this.#log(`removing volume ${name}: its container ${owner} is gone`)
        await this.remove(name).catch((error: unknown) => this.#log(`cannot remove volume ${name}: ${messageOf(error)}`))
      }
    }
  }

  #ownerOf(name: string): string | undefined {
    const file = `${this.directory(name)}/${ownerFile}`
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  }

  #write(record: VolumeRecord, owner: string | undefined): void {
    const temporary = this.#temporary()
    const bytes = quotaOf(record.options)
    mkdirSync(temporary, { mode: 0o701 })
    try {
      // What is made in it from now on counts, the copy of an image's files too.
      if (bytes !== undefined) this.#quota?.set(temporary, bytes)
      mkdirSync(`${temporary}/_data`, { mode: 0o755 })
      if (owner !== undefined) writeFileSync(`${temporary}/${ownerFile}`, owner)
      writeFileSync(`${temporary}/${recordFile}`, JSON.stringify(record), { mode: 0o600, flush: true })
      renameSync(temporary, this.directory(record.name))
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true })
      throw new GantryError('System', `create ${record.name}: ${messageOf(error)}`, { cause: error })
    }
  }

  async #discard(name: string): Promise<void> {
    const temporary = this.#temporary()
    renameSync(this.directory(name), temporary)
    await rm(temporary, { recursive: true, force: true })
  }

  #temporary(): string {
    return `${this.#root}/${half}${randomBytes(8).toString('hex')}`
  }

  #load(name: string): void {
    const directory = this.directory(name)
    if (name.startsWith(half)) {
      if (mountsBelow(directory).length === 0) rmSync(directory, { recursive: true, force: true })
      return
    }
    try {
      this.#records.set(name, this.#read(name))
    } catch (error) {
      this.#log(`cannot read volume ${name}: ${messageOf(error)}; ${directory} is left alone`)
    }
  }

  /** Until 0.1 anonymous volumes had no record, but always the name of their container. */
  #read(name: string): VolumeRecord {
    const file = `${this.directory(name)}/${recordFile}`
    if (existsSync(file)) {
      const record = JSON.parse(readFileSync(file, 'utf8')) as VolumeRecord
      if (record.name !== name) throw new Error(`${recordFile} is that of ${record.name}`)
      return record
    }
    const createdAt = `${statSync(this.data(name)).mtime.toISOString().slice(0, 19)}Z`
    const record: VolumeRecord = { name, driver: 'local', createdAt, labels: { [anonymousLabel]: '' }, options: null }
    const temporary = `${file}.tmp`
    writeFileSync(temporary, JSON.stringify(record), { mode: 0o600, flush: true })
    renameSync(temporary, file)
    return record
  }
}

function filled(map: Record<string, string> | null | undefined): Record<string, string> | null {
  return map && Object.keys(map).length > 0 ? { ...map } : null
}

