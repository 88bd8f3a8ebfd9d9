import { closeSync, constants, fchmodSync, fchownSync, futimesSync, lchownSync, linkSync, lstatSync, lutimesSync, mkdirSync, openSync, rmSync, symlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { FileKind } from './file-mode.ts'
import { permissionsOf } from './file-mode.ts'
import type { FileStat } from './packet.ts'

/** What node:fs lacks; without it special files and extended attributes are left out. */
export interface SpecialNodes {
  make(path: string, node: { kind: 'fifo' | 'character' | 'block'; major: number; minor: number }): void
  setXattr(path: string, name: string, value: Uint8Array): void
  /** Nanoseconds since the epoch: Node's own calls take a double, which has not that many digits. */
  setTime(file: string | number, time: bigint): void
}

const asRoot = process.getuid?.() === 0

/**
 * Puts files beneath `root`. Paths are plain and what is above them is a directory that this writer made or found, so that no link
 * of a stranger is followed.
 */
export class DirectoryWriter {
  readonly #root: string
  readonly #special: SpecialNodes | undefined
  readonly #directories: FileStat[] = []

  constructor(root: string, special: SpecialNodes | undefined) {
    this.#root = root
    this.#special = special
  }

  /** Anything but regular files. */
  place(stat: FileStat, kind: Exclude<FileKind, 'file' | 'socket'>): void {
    const path = join(this.#root, stat.path)
    if (kind === 'directory') {
      if (!isDirectory(path)) {
        rmSync(path, { force: true })
        mkdirSync(path, { mode: 0o700 })
      }
      this.#directories.push(stat)
      return
    }
    rmSync(path, { recursive: true, force: true })
    if (kind === 'symlink') symlinkSync(stat.linkName, path)
    else if (this.#special === undefined) return
    else this.#special.make(path, { kind, major: stat.deviceMajor, minor: stat.deviceMinor })
    if (asRoot) lchownSync(path, stat.uid, stat.gid)
    this.#attributes(path, stat)
    this.#setTime(path, stat)
  }

  /** It is as it was; making files in it has changed its time. */
  keepDirectory(stat: FileStat): void {
    this.#directories.push(stat)
  }

  /** @returns an open descriptor of a new, empty file */
  create(stat: FileStat): number {
    const path = join(this.#root, stat.path)
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    try {
      return openSync(path, flags, 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      rmSync(path, { recursive: true, force: true })
      return openSync(path, flags, 0o600)
    }
  }

  write(descriptor: number, data: Uint8Array): void {
    for (let at = 0; at < data.length; ) at += writeSync(descriptor, data, at)
  }

  finishFile(descriptor: number, stat: FileStat): void {
    if (asRoot) fchownSync(descriptor, stat.uid, stat.gid)
    fchmodSync(descriptor, permissionsOf(stat.mode))
    this.#attributes(join(this.#root, stat.path), stat)
    this.#setTime(descriptor, stat)
    closeSync(descriptor)
  }

  abandon(descriptor: number): void {
    closeSync(descriptor)
  }

  link(stat: FileStat): void {
    const path = join(this.#root, stat.path)
    rmSync(path, { recursive: true, force: true })
    linkSync(join(this.#root, stat.linkName), path)
  }

  remove(path: string): void {
    rmSync(join(this.#root, path), { recursive: true, force: true })
  }

  /** Innermost first: a directory may lose the permission to be entered, and its time is set when nothing is put into it any more. */
  finishDirectories(): void {
    for (const stat of this.#directories.toReversed()) {
      const path = join(this.#root, stat.path)
      if (asRoot) lchownSync(path, stat.uid, stat.gid)
      const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
      fchmodSync(descriptor, permissionsOf(stat.mode))
      closeSync(descriptor)
      this.#attributes(path, stat)
      this.#setTime(path, stat)
    }
  }

  /** A link's own. */
  #setTime(file: string | number, stat: FileStat): void {
    if (this.#special !== undefined) this.#special.setTime(file, stat.modTime)
    else if (typeof file === 'number') futimesSync(file, seconds(stat), seconds(stat))
    else lutimesSync(file, seconds(stat), seconds(stat))
  }

  #attributes(path: string, stat: FileStat): void {
    for (const name of Object.keys(stat.xattrs)) this.#special?.setXattr(path, name, stat.xattrs[name]!)
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Node takes a double and cuts it to microseconds: half of one more keeps what the double lost from mattering. */
function seconds(stat: FileStat): number {
  return Number(stat.modTime / 1000n) / 1e6 + 5e-7
}
