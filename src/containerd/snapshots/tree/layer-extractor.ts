import { chmodSync, closeSync, constants, fchmodSync, fstatSync, fchownSync, ftruncateSync, lchownSync, linkSync, lstatSync, mkdirSync, openSync, rmSync, symlinkSync, writeSync, type Stats } from 'node:fs'
import { S_IFBLK, S_IFCHR, S_IFIFO } from '../../../kernel/constants/files.ts'
import type { TarEntry } from '../../../lib/tar/entry.ts'
import { encodeName, fsPath } from '../../../lib/tar/member-name.ts'
import type { TarHandler } from '../../../lib/tar/reader.ts'
import { deviceNumber } from './device-number.ts'
import { cleanName, LayerRoot, type Place } from './layer-root.ts'
import { badMember, memberFailure } from './member-failure.ts'
import type { NodeCalls } from './node-calls.ts'
import type { WhiteoutStyle } from './whiteout-style.ts'
import { whiteoutOf } from './whiteout.ts'
import { setMemberXattrs } from './xattrs.ts'

const deviceLimit = 16_384
const createFile = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW

/**
 * Unpacks the members of a layer's tar into a directory that nobody else writes to: an empty one for overlays, a copy of the
 * parent for the drivers that have whole trees; `style` says what becomes of whiteouts. A later member replaces an earlier one of the same name; a directory keeps what is in it. As Docker does.
 */
export class LayerExtractor implements TarHandler {
  readonly #calls: NodeCalls
  readonly #root: LayerRoot
  readonly #style: WhiteoutStyle
  readonly #directoryTimes = new Map<string, bigint>()
  #entry: TarEntry | undefined
  #file: number | undefined
  #devices = 0
  /** Bytes of files and links, each inode once. */
  size = 0

  constructor({ calls, style, directory }: { calls: NodeCalls; style: WhiteoutStyle; directory: string }) {
    this.#calls = calls
    this.#style = style
    this.#root = new LayerRoot(calls, directory)
  }

  entry(entry: TarEntry): void {
    this.#entry = entry
    const name = cleanName(entry.name)
    if (name === '') {
      if (entry.type !== 'directory') throw badMember(entry.name, 'it would replace the root')
      return
    }
    try {
      this.#make(entry, name)
    } catch (error) {
      throw memberFailure(entry.name, error)
    }
  }

  data(chunk: Buffer, offset: number): void {
    if (this.#file === undefined) return
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(this.#file, chunk, at, chunk.length - at, offset + at)
    } catch (error) {
      throw memberFailure(this.#entry!.name, error)
    }
  }

  end(): void {
    if (this.#file === undefined) return
    const file = this.#file
    const entry = this.#entry!
    try {
      if (entry.sparse) ftruncateSync(file, entry.size)
      fchownSync(file, entry.uid, entry.gid)
      fchmodSync(file, entry.mode)
      setMemberXattrs(entry, (name, value) => this.#calls.setOpenXattr(file, name, value))
      this.#calls.setOpenTime(file, entry.mtime)
      this.size += entry.size
    } catch (error) {
      throw memberFailure(entry.name, error)
    } finally {
      this.#file = undefined
      closeSync(file)
    }
  }

  /** Sets what could only be set once all members are there. */
  finish(): void {
    for (const [name, time] of this.#directoryTimes) {
      try {
        this.#calls.setTime(this.#root.place(name, true).path, time)
      } catch (error) {
        throw memberFailure(name, error)
      }
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    this.#root.close()
  }

  #make(entry: TarEntry, name: string): void {
    const place = this.#root.place(name)
    const hidden = this.#style.plain ? undefined : whiteoutOf(place.base)
    if (hidden !== undefined) return this.#whiteOut(place, hidden)
    switch (entry.type) {
      case 'file':
        this.#file = this.#create(place, (path) => openSync(path, createFile, 0o600))
        this.#style.made?.(fstatSync(this.#file))
        return
      case 'directory':
        return this.#directory(entry, name, place)
      case 'symlink':
        this.#create(place, (path) => symlinkSync(fsPath(entry.linkName), path))
        this.size += encodeName(entry.linkName).length
        this.#made(place)
        return this.#attributes(entry, place)
      case 'link':
        return this.#link(entry, name, place)
      case 'fifo':
        this.#create(place, () => this.#calls.makeNode(place.path, S_IFIFO | 0o600, 0))
        break
      default:
        this.#device(entry, place)
    }
    this.#made(place)
    this.#attributes(entry, place)
    chmodSync(fsPath(place.path), entry.mode)
  }

  #directory(entry: TarEntry, name: string, place: Place): void {
    const replaced = this.#replace(place, () => mkdirSync(fsPath(place.path), 0o700), (old) => old.isDirectory())
    if (replaced) this.#style.replaced(place.path, replaced)
    this.#made(place)
    this.#attributes(entry, place)
    chmodSync(fsPath(place.path), entry.mode)
    this.#directoryTimes.set(name, entry.mtime)
  }

  #link(entry: TarEntry, name: string, place: Place): void {
    const target = cleanName(entry.linkName)
    if (target === name || target === '') throw badMember(entry.name, 'it is a hard link to itself or to the root')
    const source = this.#root.place(target, true)
    this.#create(place, (path) => linkSync(fsPath(source.path), path))
    this.#made(place)
  }

  #device(entry: TarEntry, place: Place): void {
    const device = deviceNumber(entry.deviceMajor, entry.deviceMinor)
    if (device === undefined) throw badMember(entry.name, `there is no device ${entry.deviceMajor}:${entry.deviceMinor}`)
    if (++this.#devices > deviceLimit) throw badMember(entry.name, `the layer has more than ${deviceLimit} devices`)
    const kind = entry.type === 'block' ? S_IFBLK : S_IFCHR
    this.#create(place, () => this.#calls.makeNode(place.path, kind | 0o600, device))
  }

  #whiteOut(place: Place, hidden: string): void {
    const directory = `/proc/self/fd/${place.directory}`
    if (hidden === 'opaque') this.#style.hideAll(`${directory}/.`)
    else if (hidden !== '') this.#style.hide(`${directory}/${hidden.slice(1)}`)
    else return
    // Open directories may be among what went.
    if (this.#style.removes) this.#root.forget()
  }

  #made({ path }: Place): void {
    if (this.#style.made) this.#style.made(lstatSync(fsPath(path)))
  }

  #attributes(entry: TarEntry, place: Place): void {
    lchownSync(fsPath(place.path), entry.uid, entry.gid)
    setMemberXattrs(entry, (name, value) => this.#calls.setXattr(place.path, name, value))
    if (entry.type !== 'directory') this.#calls.setTime(place.path, entry.mtime)
  }

  #create<Result>(place: Place, make: (path: string | Buffer) => Result): Result {
    let result: Result | undefined
    this.#replace(place, () => void (result = make(fsPath(place.path))), () => false)
    return result as Result
  }

  /** Makes a node; one that is in the way is removed first unless `keep` says so. @returns what was removed */
  #replace(place: Place, make: () => void, keep: (old: Stats) => boolean): Stats | undefined {
    try {
      make()
      return undefined
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    }
    const path = fsPath(place.path)
    const old = lstatSync(path)
    if (keep(old)) return undefined
    rmSync(path, { recursive: true, force: true })
    if (old.isDirectory() || old.isSymbolicLink()) this.#forget(cleanName(this.#entry!.name))
    make()
    return old
  }

  #forget(name: string): void {
    this.#root.forget()
    for (const directory of this.#directoryTimes.keys()) {
      if (directory === name || directory.startsWith(`${name}/`)) this.#directoryTimes.delete(directory)
    }
  }
}
