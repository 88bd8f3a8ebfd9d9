import { closeSync, mkdirSync } from 'node:fs'
import { badMember } from '../../../containerd/snapshots/tree/member-failure.ts'
import { pathArgument } from '../../../containerd/snapshots/tree/node-calls.ts'
import { KernelError } from '../../../kernel/failure.ts'
import { openInRoot } from '../../../kernel/in-root.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { fsPath } from '../../../lib/tar/member-name.ts'

const keptOpen = 64

/**
 * Where the members of an archive go: below a directory of a container, whose root is "/" to every link on the way. Others may
 * change the tree meanwhile; a place is a name in an open directory that lies inside.
 */
export class MemberPlaces {
  readonly #kernel: Kernel
  readonly #root: number
  readonly #destination: string
  /** Directories by their path below the destination, least recently used first. */
  readonly #open = new Map<string, number>()
  #retired: number[] = []

  constructor(kernel: Kernel, options: { root: number; destination: string }) {
    this.#kernel = kernel
    this.#root = options.root
    this.#destination = options.destination.replace(/\/+$/, '')
  }

  /**
   * The place of a clean, relative name; missing parents are made. It holds until the second call after this one.
   * @throws InvalidParameter when a parent is no directory
   */
  of(name: string): string {
    for (const descriptor of this.#retired.splice(0)) closeSync(descriptor)
    const slash = name.lastIndexOf('/')
    const directory = this.#directory(slash === -1 ? '' : name.slice(0, slash), name)
    return `/proc/self/fd/${directory}/${name.slice(slash + 1)}`
  }

  /** As it is shown in errors: a path in the container. */
  shown(name: string): string {
    return `${this.#destination}/${name}`
  }

  /** A directory or link was removed: what is open may no longer be where its name leads. */
  forget(): void {
    this.#retired.push(...this.#open.values())
    this.#open.clear()
  }

  close(): void {
    this.forget()
    for (const descriptor of this.#retired.splice(0)) closeSync(descriptor)
  }

  #directory(path: string, name: string): number {
    const known = this.#open.get(path)
    const directory = known ?? this.#find(path, name) ?? this.#make(path, name)
    this.#open.delete(path)
    this.#open.set(path, directory)
    if (this.#open.size > keptOpen) this.#retireOldest()
    return directory
  }

  #find(path: string, name: string): number | undefined {
    try {
      return openInRoot(this.#kernel, this.#root, pathArgument(`${this.#destination}/${path}`), 'directory')
    } catch (error) {
      if (error instanceof KernelError && error.code === 'ENOENT') return undefined
      throw badMember(name, 'its parent is not a directory', error)
    }
  }

  #make(path: string, name: string): number {
    if (path === '') throw badMember(name, 'the directory to extract to is gone')
    try {
      mkdirSync(fsPath(this.of(path)), { mode: 0o755 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw badMember(name, 'its parent is a link to nowhere', error)
      throw error
    }
    return this.#find(path, name) ?? badParent(name)
  }

  #retireOldest(): void {
    const [oldest] = this.#open
    if (oldest === undefined) return
    this.#open.delete(oldest[0])
    this.#retired.push(oldest[1])
  }
}

function badParent(name: string): never {
  throw badMember(name, 'its parent vanished')
}
