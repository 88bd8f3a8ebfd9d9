import { closeSync } from 'node:fs'
import path from 'node:path/posix'
import { readXattrs } from '../../containerd/snapshots/tree/xattrs.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { tarEntry, type TarEntry, type TarType } from '../../lib/tar/entry.ts'
import { nodeOwnership } from '../../lib/tar/node-fields.ts'
import type { ArchiveNode } from '../context/archive/archive-node.ts'
import type { ModeChange } from './mode.ts'
import type { Owner } from './owner.ts'
import type { TargetTree } from './target-tree.ts'

/** One member of a layer; `node` has a file's content. */
export interface PlannedMember {
  entry: TarEntry
  node?: ArchiveNode
}

/** The step has to be done in the tree itself: there are errors to be found, or directories that become files. */
export class HasToBeDone extends Error {}

interface Planned {
  type: TarType
  mode: number
  owner: Owner
  mtime: bigint
  /** Nothing of the tree is in it. */
  isFresh?: boolean
  /** Its time is its source's. */
  keepsTime?: boolean
  linkName?: string
  xattrs?: ReadonlyMap<string, Buffer>
  node?: ArchiveNode
}

/** What a layer will hold, while nothing is written: a root file system, and over it what was put there. */
export class LayerPlan {
  readonly #kernel: Pick<Kernel, 'syscall'>
  readonly #target: TargetTree
  readonly #mode: ModeChange | undefined
  /** By absolute place; what is above comes first. */
  readonly #planned = new Map<string, Planned>()
  readonly #now = BigInt(Date.now()) * 1_000_000n

  constructor({ kernel, target, mode }: { kernel: Pick<Kernel, 'syscall'>; target: TargetTree; mode: ModeChange | undefined }) {
    this.#kernel = kernel
    this.#target = target
    this.#mode = mode
  }

  /** What is at a place. */
  kind(real: string): 'directory' | 'other' | undefined {
    const planned = this.#planned.get(real)
    if (planned !== undefined) return planned.type === 'directory' ? 'directory' : 'other'
    if (this.#planned.get(path.dirname(real))?.isFresh === true) return undefined
    const stats = this.#target.stat(real)
    if (stats === undefined) return undefined
    return stats.isDirectory() ? 'directory' : 'other'
  }

  /** A directory and what is missing above it. @throws HasToBeDone */
  makeDirectory(real: string): void {
    if (real === '/') return
    const kind = this.kind(real)
    if (kind === 'directory') return
    if (kind === 'other') throw new HasToBeDone()
    this.makeDirectory(path.dirname(real))
    this.#put(real, { type: 'directory', mode: 0o755, owner: this.#target.owner ?? { uid: 0, gid: 0 }, mtime: this.#now, isFresh: true })
  }

  /** A directory of the source. `keeps`: one that is there already stays what it is. @throws HasToBeDone */
  directory(real: string, node: ArchiveNode, keeps: boolean): void {
    const kind = this.kind(real)
    if (kind === 'other') throw new HasToBeDone()
    if (kind === 'directory') {
      if (keeps) return
      this.#old(real)
    } else this.#put(real, { type: 'directory', mode: 0, owner: { uid: 0, gid: 0 }, mtime: 0n, isFresh: true })
    Object.assign(this.#planned.get(real)!, this.#ofNode(node), { keepsTime: true })
  }

  /** Anything else. `first`: it is a link to what is there. @throws HasToBeDone */
  other(real: string, node: ArchiveNode, first: string | undefined): void {
    if (this.kind(real) === 'directory' || this.#planned.has(real)) throw new HasToBeDone()
    const type = first !== undefined ? 'link' : node.isSymbolicLink() ? 'symlink' : 'file'
    this.#put(real, { type, ...this.#ofNode(node), linkName: first?.slice(1) ?? node.linkName, ...(type === 'file' && { node }) })
  }

  /** In the order in which they can be unpacked. */
  *members(): Generator<PlannedMember, void, undefined> {
    for (const [real, { type, mode, owner, mtime, linkName = '', xattrs = new Map(), node }] of this.#planned) {
      const name = type === 'directory' ? `${real.slice(1)}/` : real.slice(1)
      yield { entry: tarEntry({ name, type, mode, ...owner, mtime, linkName, xattrs, size: node?.length ?? 0 }), ...(node && { node }) }
    }
  }

  #ofNode(node: ArchiveNode): Pick<Planned, 'mode' | 'owner' | 'mtime'> {
    const mode = node.isSymbolicLink() ? 0o777 : (this.#mode?.(node.permissions, node.isDirectory()) ?? node.permissions)
    return { mode, owner: this.#target.owner ?? { uid: 0, gid: 0 }, mtime: node.mtimeNs }
  }

  #put(real: string, planned: Planned): void {
    const above = path.dirname(real)
    if (above !== '/') {
      const directory = this.#planned.get(above) ?? this.#old(above)
      if (directory.keepsTime !== true) directory.mtime = this.#now
    }
    this.#planned.set(real, planned)
  }

  /** Of a directory that is there, with those above it: in a layer it has to be said what they are. */
  #old(real: string): Planned {
    const known = this.#planned.get(real)
    if (known !== undefined) return known
    const above = path.dirname(real)
    if (above !== '/') this.#old(above)
    const stats = this.#target.stat(real)
    if (stats?.isDirectory() !== true) throw new HasToBeDone()
    const { mode, uid, gid, mtime } = nodeOwnership(stats)
    const descriptor = this.#target.open(real)
    try {
      const planned: Planned = { type: 'directory', mode, owner: { uid, gid }, mtime, xattrs: readXattrs(this.#kernel, `/proc/self/fd/${descriptor}/.`) }
      this.#planned.set(real, planned)
      return planned
    } finally {
      closeSync(descriptor)
    }
  }
}
