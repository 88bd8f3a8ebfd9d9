import { chmodSync, closeSync, constants, lchownSync, lstatSync, mkdirSync, openSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import path from 'node:path/posix'
import { nodeCalls } from '../../containerd/snapshots/tree/node-calls.ts'
import type { NodeCalls } from '../../containerd/snapshots/tree/node-calls.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import type { Owner } from './owner.ts'
import { resolveInRoot } from './resolve-in-root.ts'

/** The root file system that COPY writes to. Places in it are opened with its root as "/" to every link (RESOLVE_IN_ROOT). */
export class TargetTree {
  readonly root: string
  /** A directory that was not there before can be filled here too. */
  readonly upper: string | undefined
  readonly calls: NodeCalls
  /** Nanoseconds since the epoch that no time is after. */
  readonly latest: bigint | undefined
  readonly owner: Owner | undefined
  readonly #descriptor: number
  readonly #touched = new Set<string>()

  constructor({ kernel, root, upper, owner, latest }: { kernel: Kernel; root: string; upper?: string | undefined; owner: Owner | undefined; latest: bigint | undefined }) {
    this.root = root
    this.upper = upper
    this.calls = nodeCalls(kernel)
    this.owner = owner
    this.latest = latest
    this.#descriptor = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY)
  }

  /** Absolute, without links. */
  resolve(name: string): string {
    return resolveInRoot(this.root, name)
  }

  stat(real: string): BigIntStats | undefined {
    try {
      return lstatSync(fsPath(`${this.root}${real}`), { bigint: true, throwIfNoEntry: false })
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOTDIR') return undefined
      throw error
    }
  }

  /** Makes a directory and what is missing above it: mode 0755, of --chown or root. @throws InvalidParameter where a file is in the way */
  makeDirectory(real: string): void {
    const missing: string[] = []
    for (let at = real; at !== '/'; at = path.dirname(at)) {
      const stats = this.stat(at)
      if (stats?.isDirectory()) break
      if (stats !== undefined) throw new GantryError('InvalidParameter', `mkdir ${at}: not a directory`)
      missing.push(at)
    }
    for (const directory of missing.toReversed()) {
      const parent = this.open(path.dirname(directory))
      try {
        const place = `/proc/self/fd/${parent}/${path.basename(directory)}`
        mkdirSync(fsPath(place), 0o755)
        chmodSync(fsPath(place), 0o755)
        lchownSync(fsPath(place), this.owner?.uid ?? 0, this.owner?.gid ?? 0)
      } finally {
        closeSync(parent)
      }
      this.touched(path.dirname(directory))
      this.touched(directory)
    }
  }

  /** A descriptor to be closed. */
  open(real: string): number {
    return this.calls.openDirectory(this.#descriptor, real === '/' ? '.' : real)
  }

  /** Something in it was made, which the file system notes with the present time. */
  touched(directory: string): void {
    this.#touched.add(directory)
  }

  /** No time is after the latest. */
  cut(time: bigint): bigint {
    return this.latest !== undefined && time > this.latest ? this.latest : time
  }

  finish(): void {
    if (this.latest === undefined) return
    for (const directory of this.#touched) {
      const stats = this.stat(directory)
      if (stats === undefined || !stats.isDirectory() || stats.mtimeNs <= this.latest) continue
      const descriptor = this.open(directory)
      this.calls.setTime(`/proc/self/fd/${descriptor}/.`, this.latest)
      closeSync(descriptor)
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
