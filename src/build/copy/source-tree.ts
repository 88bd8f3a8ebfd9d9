import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path/posix'
import { OpenDirectory } from '../../containerd/snapshots/tree/open-directory.ts'
import { GantryError } from '../../lib/errors.ts'
import { goPattern, hasWildcard } from '../../lib/patterns/pattern-syntax.ts'
import { decodeName, fsPath } from '../../lib/tar/member-name.ts'
import { resolveInRoot } from './resolve-in-root.ts'
import type { NodeStats, SourceDirectory } from './source-node.ts'

/** Something that COPY takes: a file, or a directory whose contents it takes. */
export interface Source {
  /** As it was named, absolute: its last part is the name of the copy. */
  named: string
  /** Behind all links, absolute in the tree. */
  real: string
  stats: NodeStats
}

/** What COPY finds its sources in. */
export abstract class SourceTree {
  /** Absolute, without links. */
  abstract resolve(name: string): string
  abstract stat(real: string): NodeStats | undefined
  /** To be closed. */
  abstract openDirectory(real: string): SourceDirectory
  /** Sorted. @throws NotFound naming `base` where there is no directory */
  protected abstract names(directory: string, base: string): string[]

  /** @throws NotFound `"/x": not found` */
  find(name: string): Source {
    const named = path.join('/', name)
    const real = this.resolve(named)
    const stats = this.stat(real)
    if (stats === undefined) throw new GantryError('NotFound', `${JSON.stringify(named)}: not found`)
    return { named, real, stats }
  }

  /** What a pattern takes, sorted; without wildcards that is one. Nothing is no mistake, as in BuildKit. */
  match(pattern: string): Source[] {
    if (!hasWildcard(pattern)) return [this.find(pattern)]
    const parts = path.join('/', pattern).split('/').slice(1)
    const first = parts.findIndex((part) => hasWildcard(part))
    const base = `/${parts.slice(0, first).join('/')}`
    const glob = goPattern(parts.slice(first).join('/'))
    const real = this.resolve(base)
    const found = [...this.#below(real, { prefix: '', depth: parts.length - first, base, matches: (name) => glob.matches(name) })]
    return found.map((name) => this.find(path.join(base, name)))
  }

  /** A directory that matches is taken as a whole. */
  *#below(directory: string, search: { prefix: string; depth: number; base: string; matches: (name: string) => boolean }): Generator<string, void, undefined> {
    const { prefix, depth, base, matches } = search
    for (const name of this.names(directory, base)) {
      const relative = `${prefix}${name}`
      if (matches(relative)) {
        yield relative
        continue
      }
      const child = path.join(directory, name)
      if (depth > 1 && this.stat(child)?.isDirectory() === true) yield* this.#below(child, { ...search, prefix: `${relative}/`, depth: depth - 1 })
    }
  }
}

/** The files beneath a root that strangers made. */
export class FileTree extends SourceTree {
  readonly root: string

  constructor(root: string) {
    super()
    this.root = root
  }

  host(real: string): string {
    return real === '/' ? this.root : `${this.root}${real}`
  }

  override resolve(name: string): string {
    return resolveInRoot(this.root, name)
  }

  override stat(real: string): NodeStats | undefined {
    return statsAt(this.host(real))
  }

  override openDirectory(real: string): OpenDirectory {
    return new OpenDirectory(this.host(real))
  }

  protected override names(directory: string, base: string): string[] {
    try {
      return readdirSync(fsPath(this.host(directory)), { encoding: 'buffer' }).map(decodeName).toSorted()
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === 'ENOENT' || code === 'ENOTDIR') throw new GantryError('NotFound', `lstat ${base}: no such file or directory`, { cause: error })
      throw error
    }
  }
}

function statsAt(place: string): NodeStats | undefined {
  try {
    return lstatSync(fsPath(place), { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOTDIR') return undefined
    throw error
  }
}
