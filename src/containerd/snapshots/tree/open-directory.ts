import { closeSync, constants, lstatSync, openSync, readdirSync, type BigIntStats } from 'node:fs'
import { decodeName, fsPath } from '../../../lib/tar/member-name.ts'

const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * A directory held open while a tree is walked. Everything in it is reached through its descriptor, so that a running
 * container that puts a link in the place of a directory leads nobody out of its own tree (CVE-2018-15664 and kin).
 */
export class OpenDirectory {
  readonly #descriptor: number

  constructor(path: string) {
    this.#descriptor = openSync(fsPath(path), flags)
  }

  /** Decoded, see member-name.ts; sorted. */
  names(): string[] {
    return readdirSync(`/proc/self/fd/${this.#descriptor}`, { encoding: 'buffer' }).map(decodeName).toSorted()
  }

  /** A path to what is in it; good as long as it is open. */
  place(name: string): string {
    return `/proc/self/fd/${this.#descriptor}/${name}`
  }

  /** undefined when there is no such name. */
  stat(name: string): BigIntStats | undefined {
    return lstatSync(fsPath(this.place(name)), { bigint: true, throwIfNoEntry: false })
  }

  /** undefined when it is no directory any more. */
  open(name: string): OpenDirectory | undefined {
    try {
      return new OpenDirectory(this.place(name))
    } catch (error) {
      const code = (error as { code?: string }).code
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined
      throw error
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
