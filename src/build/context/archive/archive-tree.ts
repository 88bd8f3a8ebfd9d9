import { cleanName } from '../../../containerd/snapshots/tree/layer-root.ts'
import { encodeName } from '../../../lib/tar/member-name.ts'
import type { TarEntry } from '../../../lib/tar/entry.ts'
import { IgnorePatterns } from '../../../lib/patterns/ignore-patterns.ts'
import { resolveLinks } from '../../copy/resolve-in-root.ts'
import { ArchiveNode } from './archive-node.ts'

const mostNodes = 200_000
/** Bytes of one part of a name, and of all of it with room for where it will lie (limits.h). */
const [longestPart, longestName] = [255, 3500]

/**
 * What an archive would be unpacked to, as a tree of nodes. It has what nearly every context has: files, directories, links. For anything
 * else, and for whatever would be an error, `add` says no, and who unpacks it finds out.
 */
export class ArchiveTree {
  readonly root = new ArchiveNode({ type: 'directory', mode: 0o755, mtime: 0n })
  #count = 0

  /** @param at where the content of a file is. @returns the node of a file whose content follows, true, or false when it is none of the above: then nothing has changed */
  add(entry: TarEntry, at: number): ArchiveNode | boolean {
    const parts = partsOf(entry)
    if (parts === undefined || ++this.#count > mostNodes) return false
    const base = parts.pop()
    if (base === undefined) return entry.type === 'directory'
    const node = this.#nodeOf(entry, at)
    const above = node && this.#parent(parts)
    if (node === undefined || above === undefined) return false
    const old = above.children.get(base)
    if (old === node) return false
    if (old?.isDirectory() && node.isDirectory()) node.children = old.children
    // What is replaced comes where the new one would have come.
    if (old !== undefined) above.children.delete(base)
    above.children.set(base, node)
    return entry.type === 'file' ? node : true
  }

  /** Absolute, without links on the way. */
  find(real: string): ArchiveNode | undefined {
    let node: ArchiveNode | undefined = this.root
    for (const part of real.split('/')) if (part !== '') node = node?.children.get(part)
    return node
  }

  /** Absolute, behind all links; nothing needs to be there. @throws InvalidParameter for links in a circle */
  resolve(name: string): string {
    return resolveLinks(name, (real) => this.find(real)?.link)
  }

  /** Takes out what the rules of a .dockerignore leave out. @throws InvalidParameter for a pattern that is none */
  removeIgnored(lines: readonly string[]): void {
    const patterns = new IgnorePatterns(lines)
    if (!patterns.empty) removeBelow(this.root, { patterns, prefix: '' })
  }

  #nodeOf({ type, mode, mtime, linkName }: TarEntry, at: number): ArchiveNode | undefined {
    if (type === 'file' || type === 'directory' || type === 'symlink') return new ArchiveNode({ type, mode, mtime, linkName, at })
    const parts = type === 'link' ? partsOf({ name: linkName }) : undefined
    const first = parts === undefined || parts.length === 0 ? undefined : this.find(parts.join('/'))
    if (first === undefined || first.isDirectory()) return undefined
    first.nlink += 1n
    return first
  }

  /** What is missing is made. @returns undefined where something else than a directory is on the way */
  #parent(parts: readonly string[]): ArchiveNode | undefined {
    let node = this.root
    for (const part of parts) {
      let below = node.children.get(part)
      if (below === undefined) {
        below = new ArchiveNode({ type: 'directory', mode: 0o755, mtime: BigInt(Date.now()) * 1_000_000n })
        node.children.set(part, below)
      } else if (!below.isDirectory()) return undefined
      node = below
    }
    return node
  }
}

/** undefined for what only unpacking can tell. */
function partsOf({ name, linkName = '', type, xattrs, sparse }: Pick<TarEntry, 'name'> & Partial<TarEntry>): string[] | undefined {
  if (sparse || (xattrs !== undefined && xattrs.size > 0) || name.includes('\0') || name.split('/').includes('..')) return undefined
  if (type === 'symlink' && (linkName === '' || linkName.includes('\0') || linkName.length > longestName)) return undefined
  if (name.length > longestName / 3 && encodeName(name).length > longestName) return undefined
  const clean = cleanName(name)
  const parts = clean === '' ? [] : clean.split('/')
  // In a layer the name of such a file would mean that another is gone.
  return parts.some((part) => part.startsWith('.wh.') || (part.length > longestPart / 3 && encodeName(part).length > longestPart)) ? undefined : parts
}

/** @returns whether something is left */
function removeBelow(directory: ArchiveNode, { patterns, prefix }: { patterns: IgnorePatterns; prefix: string }): boolean {
  for (const [base, node] of directory.children) {
    const name = `${prefix}${base}`
    const ignored = patterns.ignores(name)
    const looksInside = node.isDirectory() && (!ignored || patterns.mayKeepBelow(name))
    const keptBelow = looksInside && removeBelow(node, { patterns, prefix: `${name}/` })
    if (ignored && !keptBelow) directory.children.delete(base)
  }
  return directory.children.size > 0
}
