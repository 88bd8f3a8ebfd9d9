import type { Kernel } from '../../kernel/kernel.ts'
import { unmount } from '../../kernel/mount.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { Mutex } from '../containers/mutex.ts'
import { copyUp, finishCopyUp, stagingOf } from './copy-up.ts'
import { mountLocal } from './local-mount.ts'
import { isMountPoint } from './mount-table.ts'
import type { VolumeStore } from './store.ts'

/**
 * Volumes whose options say what to mount are mounted at their first use and unmounted after their last. Users are containers that
 * run, and for a moment whoever copies. A new engine asks the kernel what is mounted, and the containers who uses it: nothing of
 * this is on disk.
 */
export class MountedVolumes {
  readonly #kernel: Kernel
  readonly #store: VolumeStore
  readonly #users = new Map<string, Set<string>>()
  readonly #locks = new Map<string, Mutex>()

  constructor(kernel: Kernel, store: VolumeStore) {
    this.#kernel = kernel
    this.#store = store
  }

  /** @returns where the volume's files are, until `release`. @throws System `error while mounting volume …` */
  async use(name: string, user: string): Promise<string> {
    return this.#lock(name).run(async () => {
      const data = this.#store.data(this.#store.get(name).name)
      await this.#mount(name)
      this.#usersOf(name).add(user)
      return data
    })
  }

  /** @returns whether it was in use by that user */
  async release(name: string, user: string): Promise<boolean> {
    return this.#lock(name).run(() => {
      const users = this.#usersOf(name)
      const was = users.delete(user)
      if (users.size === 0) this.#unmount(name)
      return was
    })
  }

  /** A container that runs since before this engine. */
  adopt(name: string, user: string): void {
    this.#usersOf(name).add(user)
  }

  /** Copies an image's directory into the volume, when it is empty. */
  async fill(name: string, { user, source }: { user: string; source: string }): Promise<void> {
    await this.#lock(name).run(async () => {
      const users = this.#usersOf(name)
      await this.#mount(name)
      try {
        await copyUp(this.#kernel, { source, data: this.#store.data(name), staging: this.#staging(name) })
      } finally {
        if (users.size === 0) this.#unmount(name)
      }
    }).catch((error: unknown) => {
      throw error instanceof GantryError ? error : new GantryError('System', `cannot copy the image's files into volume ${name} for container ${user}: ${messageOf(error)}`, { cause: error })
    })
  }

  /** Under the volume's lock, while nobody mounts it. */
  exclusively<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    return this.#lock(name).run(async () => {
      if (this.#usersOf(name).size === 0) this.#unmount(name)
      try {
        return await act()
      } finally {
        if (this.#store.find(name) === undefined) this.#users.delete(name)
      }
    })
  }

  /** What an earlier engine left: mounts without a user go, copies are finished. */
  recover(log: (line: string) => void): void {
    for (const { name } of this.#store.list()) {
      try {
        if (this.#usersOf(name).size === 0) this.#unmount(name)
        if (!this.#isMountable(name)) finishCopyUp(this.#kernel, this.#store.data(name), this.#staging(name))
      } catch (error) {
        log(`cannot recover volume ${name}: ${messageOf(error)}`)
      }
    }
  }

  async #mount(name: string): Promise<void> {
    const path = this.#store.data(name)
    if (!this.#isMountable(name) || isMountPoint(path)) return
    const { options } = this.#store.get(name)
    await mountLocal({ kernel: this.#kernel, path, options: options ?? {} })
    if (isMountPoint(path)) finishCopyUp(this.#kernel, path, this.#staging(name))
  }

  #unmount(name: string): void {
    const path = this.#store.data(name)
    if (this.#isMountable(name) && isMountPoint(path)) unmount(this.#kernel, path)
  }

  #isMountable(name: string): boolean {
    return this.#store.find(name)?.options?.['device'] !== undefined
  }

  #staging(name: string): ReturnType<typeof stagingOf> {
    return stagingOf(this.#store.directory(name), this.#store.data(name), this.#isMountable(name))
  }

  #usersOf(name: string): Set<string> {
    const users = this.#users.get(name) ?? new Set()
    this.#users.set(name, users)
    return users
  }

  #lock(name: string): Mutex {
    const lock = this.#locks.get(name) ?? new Mutex()
    this.#locks.set(name, lock)
    return lock
  }
}
