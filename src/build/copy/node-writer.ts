import { chmodSync, closeSync, constants, fchmodSync, fchownSync, lchownSync, linkSync, lstatSync, mkdirSync, openSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { readXattrs } from '../../containerd/snapshots/tree/xattrs.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import { copyContent } from './copy-content.ts'
import type { ModeChange } from './mode.ts'
import type { Owner } from './owner.ts'
import type { Pace } from '../../lib/pace.ts'
import type { NodeStats } from './source-node.ts'
import type { TargetTree } from './target-tree.ts'

const createFile = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW

export interface NodeRules {
  owner: Owner | undefined
  mode: ModeChange | undefined
}

/** Makes copies of nodes: times, attributes and links as in the source, owner and mode as --chown and --chmod say. */
export class NodeWriter {
  readonly #kernel: Kernel
  readonly #target: TargetTree
  readonly #rules: NodeRules
  readonly #pace: Pace
  #adopts: boolean
  #place: string | undefined
  /** Inodes with several names, and where the first copy is, in the target. */
  readonly #linked = new Map<string, string>()

  /** @param adopts files of the source may become those of the target */
  constructor({ kernel, target, rules, pace, adopts = false }: { kernel: Kernel; target: TargetTree; rules: NodeRules; pace: Pace; adopts?: boolean }) {
    this.#kernel = kernel
    this.#target = target
    this.#rules = rules
    this.#pace = pace
    this.#adopts = adopts
  }

  /** From here on nodes are put beneath another root, into directories that this made. */
  beneath(root: string): void {
    this.#place = root
  }

  /**
   * A node that is no directory. `to` leads to its place through an open directory, `shown` is the same in the target;
   * nothing is in a `fresh` directory that this did not put there.
   * @throws InvalidParameter where a directory is in the way
   */
  async write(node: { place: string; stats: NodeStats }, { to, shown, fresh = false }: { to: string; shown: string; fresh?: boolean }): Promise<void> {
    const { place, stats } = node
    const old = fresh ? undefined : lstatSync(fsPath(to), { throwIfNoEntry: false })
    if (old?.isDirectory()) throw new GantryError('InvalidParameter', `cannot replace to directory ${shown} with file`)
    if (old !== undefined) unlinkSync(fsPath(to))
    if (this.#link(stats, { to, shown })) return
    if (this.#adopts && this.#adopt(node, to)) return await this.#pace.rest()
    if (stats.isFile()) return await this.#file(node, to)
    if (stats.isSymbolicLink()) symlinkSync(readlinkSync(fsPath(place), { encoding: 'buffer' }), fsPath(to))
    else this.#target.calls.makeNode(to, Number(stats.mode & 0o170000n) | 0o600, Number(stats.rdev))
    this.attributes(node, to)
    await this.#pace.rest()
  }

  /** @returns whether it was made. @throws InvalidParameter where something else is in the way */
  directory(to: string, shown: string): boolean {
    const old = lstatSync(fsPath(to), { throwIfNoEntry: false })
    if (old === undefined) {
      mkdirSync(fsPath(to), 0o700)
      return true
    }
    if (!old.isDirectory()) throw new GantryError('InvalidParameter', `cannot copy to non-directory: ${shown}`)
    return false
  }

  /** Owner, mode, extended attributes and time of anything but a file that is being written. */
  attributes({ place, stats }: { place: string; stats: NodeStats }, to: string): void {
    const { uid, gid } = this.#owner(stats)
    lchownSync(fsPath(to), uid, gid)
    if (!stats.isSymbolicLink()) chmodSync(fsPath(to), this.#mode(stats))
    this.#xattrs(place, (name, value) => this.#target.calls.setXattr(to, name, value))
    this.#target.calls.setTime(to, this.#target.cut(stats.mtimeNs))
  }

  async #file({ place, stats }: { place: string; stats: NodeStats }, to: string): Promise<void> {
    const file = openSync(fsPath(to), createFile, 0o600)
    try {
      await copyContent(this.#kernel, { from: place, to: file, size: Number(stats.size), pace: this.#pace })
      const { uid, gid } = this.#owner(stats)
      fchownSync(file, uid, gid)
      fchmodSync(file, this.#mode(stats))
      this.#xattrs(place, (name, value) => this.#target.calls.setOpenXattr(file, name, value))
      this.#target.calls.setOpenTime(file, this.#target.cut(stats.mtimeNs))
    } finally {
      closeSync(file)
    }
    await this.#pace.rest()
  }

  /** A file that is already as its copy would be, and has no other name yet, is given one in the target. */
  #adopt({ place, stats }: { place: string; stats: NodeStats }, to: string): boolean {
    const { uid, gid } = this.#owner(stats)
    if (!stats.isFile() || stats.nlink > 1n || BigInt(uid) !== stats.uid || BigInt(gid) !== stats.gid || BigInt(this.#mode(stats)) !== (stats.mode & 0o7777n)) return false
    try {
      linkSync(fsPath(place), fsPath(to))
      return true
    } catch (error) {
      const { code } = error as { code?: string }
      if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'EMLINK' && code !== 'EOPNOTSUPP') throw error
      this.#adopts = code === 'EMLINK'
      return false
    }
  }

  /** The second name of a file that was copied is a link to the copy. */
  #link({ dev, ino, nlink }: NodeStats, { to, shown }: { to: string; shown: string }): boolean {
    if (nlink <= 1n) return false
    const inode = `${dev}:${ino}`
    const first = this.#linked.get(inode)
    if (first === undefined) {
      this.#linked.set(inode, shown)
      return false
    }
    const above = first.slice(0, first.lastIndexOf('/')) || '/'
    const directory = this.#place === undefined ? this.#target.open(above) : openSync(fsPath(`${this.#place}${above}`), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      linkSync(fsPath(`/proc/self/fd/${directory}/${first.slice(first.lastIndexOf('/') + 1)}`), fsPath(to))
    } finally {
      closeSync(directory)
    }
    return true
  }

  #owner({ uid, gid }: NodeStats): Owner {
    return this.#rules.owner ?? { uid: Number(uid), gid: Number(gid) }
  }

  #mode(stats: NodeStats): number {
    const mode = Number(stats.mode & 0o7777n)
    return this.#rules.mode?.(mode, stats.isDirectory()) ?? mode
  }

  #xattrs(place: string, set: (name: string, value: Buffer) => void): void {
    for (const [name, value] of readXattrs(this.#kernel, place)) {
      try {
        set(name, value)
      } catch (error) {
        // As Docker does: a file system without the attribute is no reason not to copy the file.
        const { code } = error as { code?: string }
        if (code !== 'EOPNOTSUPP' && code !== 'ENOTSUP' && code !== 'EPERM') throw error
      }
    }
  }
}
