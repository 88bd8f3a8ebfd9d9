import { chmodSync, closeSync, fchmodSync, ftruncateSync, linkSync, lstatSync, mkdirSync, openSync, readlinkSync, rmSync, statSync, symlinkSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { TarEntry } from '../../lib/tar/entry.ts'
import { fsPath } from '../../lib/tar/member-name.ts'
import type { TarHandler } from '../../lib/tar/reader.ts'
import { ExitError } from '../exit-error.ts'
import { makeSpecial, writeAttributes, writeTime } from './attributes.ts'
import { attempt } from './local-source.ts'
import { splitEntry, type CopyEnd } from './copy-path.ts'
import type { Rename } from './prepare.ts'

const mostLinks = 10

/** Looks at a local path that is copied to: links are followed, and only the last part need not exist. */
export function localDestination(place: string): CopyEnd {
  let at = place
  for (let links = 0; ; links++) {
    const stats = lstatSync(at, { throwIfNoEntry: false })
    if (stats === undefined) break
    if (!stats.isSymbolicLink()) return { path: at, exists: true, isDirectory: stats.isDirectory() }
    if (links === mostLinks) throw new ExitError(`too many symbolic links in ${JSON.stringify(place)}`)
    const target = readlinkSync(at)
    at = path.isAbsolute(target) ? target : path.join(splitEntry(at).directory, target)
  }
  const { directory } = splitEntry(at)
  if (!attempt('stat', directory, () => statSync(directory)).isDirectory()) throw new ExitError('not a directory')
  return { path: at, exists: false, isDirectory: false }
}

/**
 * Unpacks what an engine sends into a local directory: owned by the caller. No member reaches beyond the directory, and none goes
 * through a link (CVE-2018-15664, CVE-2019-14271).
 */
export class LocalExtractor implements TarHandler {
  readonly #directory: string
  readonly #rename: Rename
  /** Directories below ours that are known to be none but themselves. */
  readonly #real = new Set<string>([''])
  readonly #directories = new Map<string, TarEntry>()
  #file: { descriptor: number; entry: TarEntry } | undefined

  constructor(directory: string, rename: Rename) {
    this.#directory = path.resolve(directory)
    this.#rename = rename
  }

  entry(original: TarEntry): void {
    const entry = this.#rename(original)
    const name = insideName(entry.name)
    const place = path.join(this.#directory, name)
    if (name === '') return
    this.#makeParents(name)
    const old = lstatSync(fsPath(place), { throwIfNoEntry: false })
    if (old?.isDirectory() && entry.type !== 'directory') throw new ExitError(`cannot overwrite directory ${JSON.stringify(place)} with non-directory ${JSON.stringify(this.#directory)}`)
    if (old && !old.isDirectory() && entry.type === 'directory') throw new ExitError(`cannot overwrite non-directory ${JSON.stringify(place)} with directory ${JSON.stringify(this.#directory)}`)
    if (old && !old.isDirectory()) rmSync(fsPath(place))
    this.#make(entry, { name, place, exists: old?.isDirectory() ?? false })
  }

  data(chunk: Buffer, offset: number): void {
    if (this.#file === undefined) return
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#file.descriptor, chunk, at, chunk.length - at, offset + at)
  }

  end(): void {
    if (this.#file === undefined) return
    const { descriptor, entry } = this.#file
    this.#file = undefined
    if (entry.sparse) ftruncateSync(descriptor, entry.size)
    fchmodSync(descriptor, entry.mode)
    writeAttributes(descriptor, entry.xattrs)
    writeTime(descriptor, entry.mtime)
    closeSync(descriptor)
  }

  finish(): void {
    // The deepest first: a directory that is not writable still takes the times of what is in it.
    for (const [place, entry] of [...this.#directories].toReversed()) {
      chmodSync(fsPath(place), entry.mode)
      writeAttributes(place, entry.xattrs)
      writeTime(place, entry.mtime)
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.descriptor)
    this.#file = undefined
  }

  #make(entry: TarEntry, { name, place, exists }: { name: string; place: string; exists: boolean }): void {
    switch (entry.type) {
      case 'file':
        this.#file = { descriptor: openSync(fsPath(place), 'wx', 0o600), entry }
        return
      case 'directory':
        if (!exists) mkdirSync(fsPath(place), { mode: 0o700 })
        this.#real.add(name)
        this.#directories.set(place, entry)
        return
      case 'symlink':
        symlinkSync(fsPath(entry.linkName), fsPath(place))
        writeTime(place, entry.mtime)
        return
      case 'link': {
        const target = insideName(entry.linkName)
        this.#makeParents(target)
        linkSync(fsPath(path.join(this.#directory, target)), fsPath(place))
        return
      }
      default:
        makeSpecial(place, entry)
        chmodSync(fsPath(place), entry.mode)
        writeAttributes(place, entry.xattrs)
        writeTime(place, entry.mtime)
    }
  }

  #makeParents(name: string): void {
    const parts = name.split('/').slice(0, -1)
    for (const depth of parts.keys()) {
      const parent = parts.slice(0, depth + 1).join('/')
      if (this.#real.has(parent)) continue
      const place = path.join(this.#directory, parent)
      const stats = lstatSync(fsPath(place), { throwIfNoEntry: false })
      if (stats === undefined) mkdirSync(fsPath(place), { mode: 0o755 })
      else if (!stats.isDirectory()) throw new ExitError(`cannot extract ${JSON.stringify(name)}: ${JSON.stringify(place)} is no directory`)
      this.#real.add(parent)
    }
  }
}

function insideName(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new ExitError(`${JSON.stringify(name)} is outside of the destination`)
  return parts.join('/')
}
