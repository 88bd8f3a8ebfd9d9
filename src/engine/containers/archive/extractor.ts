import { chmodSync, chownSync, closeSync, constants, fchmodSync, fchownSync, fstatSync, ftruncateSync, lchownSync, lstatSync, mkdirSync, openSync, symlinkSync, writeSync, type Stats } from 'node:fs'
import { deviceNumber } from '../../../containerd/snapshots/tree/device-number.ts'
import { cleanName } from '../../../containerd/snapshots/tree/layer-root.ts'
import { badMember, memberFailure } from '../../../containerd/snapshots/tree/member-failure.ts'
import { nodeCalls, pathArgument, type NodeCalls } from '../../../containerd/snapshots/tree/node-calls.ts'
import { AT_FDCWD, O_PATH, S_IFBLK, S_IFCHR, S_IFIFO } from '../../../kernel/constants/files.ts'
import { KernelError } from '../../../kernel/failure.ts'
import type { Kernel, SyscallArgument } from '../../../kernel/kernel.ts'
import { nr } from '../../../kernel/syscalls.ts'
import { GantryError } from '../../../lib/errors.ts'
import type { TarEntry } from '../../../lib/tar/entry.ts'
import { fsPath } from '../../../lib/tar/member-name.ts'
import type { TarHandler } from '../../../lib/tar/reader.ts'
import { MemberPlaces } from './member-places.ts'
import { removeTree } from './remove-tree.ts'
import { setMemberXattrs } from '../../../containerd/snapshots/tree/xattrs.ts'

const AT_SYMLINK_FOLLOW = 0x400
const createFile = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW

export interface ExtractOptions {
  /** Descriptor of the container's root. */
  root: number
  /** Path of a directory in the container. */
  destination: string
  noOverwriteDirNonDir: boolean
  /** Takes the place of the owners in the archive. */
  owner?: { uid: number; gid: number }
}

/**
 * Unpacks members into a directory of a container whose processes may change the tree meanwhile: every node is reached through the
 * descriptor of its directory, and changed through a descriptor of its own, so that no link leads out (CVE-2018-15664).
 */
export class ContainerExtractor implements TarHandler {
  readonly #kernel: Kernel
  readonly #calls: NodeCalls
  readonly #places: MemberPlaces
  readonly #options: ExtractOptions
  readonly #directoryTimes = new Map<string, bigint>()
  #entry: TarEntry | undefined
  #file: number | undefined

  constructor(kernel: Kernel, options: ExtractOptions) {
    this.#kernel = kernel
    this.#calls = nodeCalls(kernel)
    this.#places = new MemberPlaces(kernel, options)
    this.#options = options
  }

  entry(entry: TarEntry): void {
    this.#entry = entry
    const name = cleanName(entry.name)
    // As in Docker the directory that is extracted to stays as it is.
    if (name === '' && entry.type === 'directory') return
    if (name === '') throw badMember(entry.name, 'it would replace the directory that is extracted to')
    this.#attempt(() => this.#make(entry, name))
  }

  data(chunk: Buffer, offset: number): void {
    const file = this.#file
    if (file === undefined) return
    this.#attempt(() => {
      for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at, chunk.length - at, offset + at)
    })
  }

  end(): void {
    const file = this.#file
    if (file === undefined) return
    this.#file = undefined
    const entry = this.#entry!
    try {
      this.#attempt(() => {
        if (entry.sparse) ftruncateSync(file, entry.size)
        const { uid, gid } = this.#options.owner ?? entry
        fchownSync(file, uid, gid)
        fchmodSync(file, entry.mode)
        setMemberXattrs(entry, (name, value) => this.#calls.setOpenXattr(file, name, value))
        this.#calls.setOpenTime(file, entry.mtime)
      })
    } finally {
      closeSync(file)
    }
  }

  /** Sets what could only be set once all members are there. */
  finish(): void {
    for (const [name, time] of this.#directoryTimes) {
      try {
        this.#calls.setTime(this.#places.of(name), time)
      } catch (error) {
        // The container has removed it meanwhile.
        if ((error as { code?: string }).code !== 'ENOENT') throw memberFailure(name, error)
      }
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    this.#places.close()
  }

  #call(name: string, ...args: SyscallArgument[]): void {
    const result = this.#kernel.syscall(nr(name), ...args)
    if (result < 0) throw new KernelError(name, -result)
  }

  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      throw memberFailure(this.#entry?.name ?? '', error)
    }
  }

  #make(entry: TarEntry, name: string): void {
    const place = this.#places.of(name)
    const old = lstatSync(fsPath(place), { throwIfNoEntry: false })
    if (old !== undefined) this.#clear(entry, { name, place, old })
    switch (entry.type) {
      case 'file':
        this.#file = openSync(fsPath(place), createFile, 0o600)
        return
      case 'directory':
        if (!old?.isDirectory()) mkdirSync(fsPath(place), { mode: 0o700 })
        this.#directoryTimes.set(name, entry.mtime)
        break
      case 'symlink':
        symlinkSync(fsPath(entry.linkName), fsPath(place))
        return this.#linkAttributes(entry, place)
      case 'link':
        return this.#link(entry, name)
      case 'fifo':
        this.#calls.makeNode(place, S_IFIFO | 0o600, 0)
        break
      default:
        this.#device(entry, place)
    }
    this.#attributes(entry, place)
  }

  /** Makes room for a member: a directory takes the place of a directory by keeping what is in it. */
  #clear(entry: TarEntry, { name, place, old }: { name: string; place: string; old: Stats }): void {
    const both = entry.type === 'directory' && old.isDirectory()
    if (both) return
    const { noOverwriteDirNonDir, destination } = this.#options
    const paths = `${JSON.stringify(this.#places.shown(name))} with`
    if (noOverwriteDirNonDir && old.isDirectory()) {
      throw new GantryError('InvalidParameter', `cannot overwrite directory ${paths} non-directory ${JSON.stringify(destination)}`)
    }
    if (noOverwriteDirNonDir && entry.type === 'directory') {
      throw new GantryError('InvalidParameter', `cannot overwrite non-directory ${paths} directory ${JSON.stringify(destination)}`)
    }
    removeTree(place)
    if (!old.isDirectory() && !old.isSymbolicLink()) return
    this.#places.forget()
    for (const directory of this.#directoryTimes.keys()) {
      if (directory === name || directory.startsWith(`${name}/`)) this.#directoryTimes.delete(directory)
    }
  }

  #link(entry: TarEntry, name: string): void {
    const target = cleanName(entry.linkName)
    if (target === name || target === '') throw badMember(entry.name, 'it is a hard link to itself or to the directory that is extracted to')
    const source = openSync(fsPath(this.#places.of(target)), O_PATH | constants.O_NOFOLLOW)
    try {
      this.#call('linkat', AT_FDCWD, `/proc/self/fd/${source}`, AT_FDCWD, pathArgument(this.#places.of(name)), AT_SYMLINK_FOLLOW)
    } finally {
      closeSync(source)
    }
  }

  #device(entry: TarEntry, place: string): void {
    const device = deviceNumber(entry.deviceMajor, entry.deviceMinor)
    if (device === undefined) throw badMember(entry.name, `there is no device ${entry.deviceMajor}:${entry.deviceMinor}`)
    this.#calls.makeNode(place, (entry.type === 'block' ? S_IFBLK : S_IFCHR) | 0o600, device)
  }

  #linkAttributes(entry: TarEntry, place: string): void {
    const { uid, gid } = this.#options.owner ?? entry
    lchownSync(fsPath(place), uid, gid)
    this.#calls.setTime(place, entry.mtime)
  }

  /** chmod(2) follows a link that somebody put there meanwhile: it goes through a descriptor of what was looked at. */
  #attributes(entry: TarEntry, place: string): void {
    const node = openSync(fsPath(place), O_PATH | constants.O_NOFOLLOW)
    try {
      if (fstatSync(node).isSymbolicLink()) throw badMember(entry.name, 'something else took its place')
      const itself = `/proc/self/fd/${node}`
      const { uid, gid } = this.#options.owner ?? entry
      chownSync(itself, uid, gid)
      chmodSync(itself, entry.mode)
      setMemberXattrs(entry, (name, value) => this.#call('setxattr', itself, name, value, value.length, 0))
      if (entry.type !== 'directory') this.#calls.setTime(place, entry.mtime)
    } finally {
      closeSync(node)
    }
  }
}
