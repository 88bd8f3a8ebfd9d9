import { chmodSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { KernelError } from '../../../kernel/failure.ts'
import { fsPath } from '../../../lib/tar/member-name.ts'
import { badMember } from './member-failure.ts'
import type { NodeCalls } from './node-calls.ts'

/** A place in the layer: the directory is open and `path` leads through its descriptor, so no link on the way counts. */
export interface Place {
  readonly directory: number
  readonly base: string
  /** /proc/self/fd/N/base */
  readonly path: string
}

const keptOpen = 64

/**
 * The directory that a layer is unpacked into, as root of every name. Parents are resolved by the kernel with
 * RESOLVE_IN_ROOT: links in them are followed, but never out of the layer (CVE-2021-41091 and kin).
 */
export class LayerRoot {
  readonly #calls: NodeCalls
  readonly #root: number
  /** Least recently used first. */
  readonly #directories = new Map<string, number>()
  #retired: number[] = []

  constructor(calls: NodeCalls, path: string) {
    this.#calls = calls
    this.#root = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  }

  /**
   * Finds where a clean, relative name lies; missing parents are made unless `existing`. The answer holds until the
   * second call after this one.
   * @throws InvalidParameter when a parent is no directory, or a link to nowhere
   */
  place(name: string, existing = false): Place {
    for (const descriptor of this.#retired.splice(0)) closeSync(descriptor)
    const slash = name.lastIndexOf('/')
    const base = name.slice(slash + 1)
    const directory = this.#directory(slash === -1 ? '' : name.slice(0, slash), name, existing)
    return { directory, base, path: `/proc/self/fd/${directory}/${base}` }
  }

  /** To be called when a directory or link was removed: open directories may no longer be where their names lead. */
  forget(): void {
    this.#retired.push(...this.#directories.values())
    this.#directories.clear()
  }

  close(): void {
    this.forget()
    for (const descriptor of [...this.#retired, this.#root]) closeSync(descriptor)
  }

  #directory(path: string, name: string, existing: boolean): number {
    if (path === '') return this.#root
    const known = this.#directories.get(path)
    if (known !== undefined) this.#directories.delete(path)
    const opened = known ?? this.#open(path, name) ?? this.#make(path, name, existing)
    if (this.#directories.size >= keptOpen) this.#closeOldest()
    this.#directories.set(path, opened)
    return opened
  }

  #open(path: string, name: string): number | undefined {
    try {
      return this.#calls.openDirectory(this.#root, path)
    } catch (error) {
      if (error instanceof KernelError && error.code === 'ENOENT') return undefined
      throw badMember(name, 'its parent is not a directory', error)
    }
  }

  #make(path: string, name: string, existing: boolean): number {
    if (existing) throw badMember(name, 'its parent does not exist')
    const { path: target } = this.place(path)
    try {
      mkdirSync(fsPath(target))
      chmodSync(fsPath(target), 0o755)
    } catch (error) {
      throw badMember(name, 'its parent is a link to nowhere', error)
    }
    const opened = this.#open(path, name)
    if (opened === undefined) throw badMember(name, 'its parent does not exist')
    return opened
  }

  #closeOldest(): void {
    for (const [path, descriptor] of this.#directories) {
      closeSync(descriptor)
      this.#directories.delete(path)
      return
    }
  }
}

/**
 * A member's name relative to the root: "./a//b/" and "/a/b" are "a/b", the root itself is "".
 * @throws InvalidParameter for a name that leaves the root
 */
export function cleanName(name: string): string {
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw badMember(name, 'it is outside of the layer')
  }
  return parts.join('/')
}
