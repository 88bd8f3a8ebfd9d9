import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { half } from './names.ts'

/** Names for trees. A tree that none of them names is rubbish. */
export interface TreeRecord {
  /** Chain id of a layer, key of a container snapshot. */
  name: string
  /** Chain id. */
  parent?: string | undefined
  tree: string
  /** Bytes; of layers. */
  size?: number | undefined
}

/** One file for each record, durable once written: its appearance is the moment of a commit, its unlink that of a removal. */
export class TreeRecords {
  readonly #directory: string
  readonly #records = new Map<string, TreeRecord>()

  constructor(directory: string) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const file of readdirSync(directory)) {
      const path = join(directory, file)
      if (file.startsWith(half)) {
        rmSync(path, { force: true })
        continue
      }
      const record = JSON.parse(readFileSync(path, 'utf8')) as TreeRecord
      this.#records.set(record.name, record)
    }
  }

  get(name: string): TreeRecord | undefined {
    return this.#records.get(name)
  }

  all(): TreeRecord[] {
    return [...this.#records.values()]
  }

  put(record: TreeRecord): void {
    const file = fileOf(record.name)
    const temporary = join(this.#directory, half + file)
    const descriptor = openSync(temporary, 'w', 0o600)
    try {
      writeSync(descriptor, JSON.stringify(record))
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, join(this.#directory, file))
    this.#sync()
    this.#records.set(record.name, record)
  }

  delete(name: string): void {
    rmSync(join(this.#directory, fileOf(name)), { force: true })
    this.#sync()
    this.#records.delete(name)
  }

  #sync(): void {
    const descriptor = openSync(this.#directory, 'r')
    try {
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }
}

function fileOf(name: string): string {
  return name.replace(/^sha256:/, '')
}
