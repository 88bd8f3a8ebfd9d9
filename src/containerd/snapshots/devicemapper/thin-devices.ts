import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { half } from '../tree/names.ts'

export interface ThinDevice {
  /** The pool's number for it: 24 bits. */
  id: number
  /** 512 bytes each. */
  sectors: number
}

const largestId = 2 ** 24 - 1

/** Which device of the pool is which tree: one file for each, written before the device is made and removed after it has gone. */
export class ThinDevices {
  readonly #directory: string
  readonly #devices = new Map<string, ThinDevice>()
  #last = 0

  constructor(directory: string) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(directory)) {
      if (name.startsWith(half)) {
        rmSync(join(directory, name))
        continue
      }
      this.#devices.set(name, JSON.parse(readFileSync(join(directory, name), 'utf8')) as ThinDevice)
    }
    this.#last = Math.max(0, ...[...this.#devices.values()].map(({ id }) => id))
  }

  trees(): string[] {
    return [...this.#devices.keys()]
  }

  get(tree: string): ThinDevice | undefined {
    return this.#devices.get(tree)
  }

  /** Gives a tree a number that no other has. */
  add(tree: string, sectors: number): ThinDevice {
    const used = new Set([...this.#devices.values()].map(({ id }) => id))
    do this.#last = this.#last >= largestId ? 1 : this.#last + 1
    while (used.has(this.#last))
    const device = { id: this.#last, sectors }
    const temporary = join(this.#directory, half + tree)
    const descriptor = openSync(temporary, 'w', 0o600)
    try {
      writeSync(descriptor, JSON.stringify(device))
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, join(this.#directory, tree))
    this.#devices.set(tree, device)
    return device
  }

  delete(tree: string): void {
    this.#devices.delete(tree)
    if (existsSync(join(this.#directory, tree))) rmSync(join(this.#directory, tree))
  }
}
