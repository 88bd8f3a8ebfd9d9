import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { openDetachedTree } from '../../kernel/detached-tree.ts'
import { attachTree, mountBind, unmount } from '../../kernel/mount.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import type { Container } from '../containers/container.ts'
import type { ContainersContext } from '../containers/context.ts'
import type { FileView } from '../engine.ts'
import { viewMapping } from '../user-namespace/container-files.ts'

interface Shown {
  readonly container: Container
  readonly path: string
  users: number
  /** Takes the mount away again; undefined while there is none. */
  leave: (() => Promise<void>) | undefined
  readonly ended: PromiseWithResolvers<string>
}

/**
 * Root file systems of containers at paths of the host, read-only: `<exec root>/fs/<container id>`. A view is a guest of the
 * container's lock: whoever starts, ends or changes the container finds its root unmounted, and the view comes back behind them
 * with what is there then.
 */
export class FileViews {
  readonly #directory: string
  readonly #ctx: () => ContainersContext
  readonly #shown = new Map<string, Shown>()

  constructor(execRoot: string, ctx: () => ContainersContext) {
    this.#directory = join(execRoot, 'fs')
    this.#ctx = ctx
  }

  /** Takes away the mounts that a killed engine left. */
  sweep(): void {
    for (const name of existsSync(this.#directory) ? readdirSync(this.#directory) : []) this.#remove(join(this.#directory, name))
  }

  /** @throws NotFound when the container is removed meanwhile */
  async open(container: Container): Promise<FileView> {
    const shown = await container.lock.join(async () => {
      if (container.removed) throw new GantryError('NotFound', `No such container: ${container.id}`)
      const known = this.#shown.get(container.id) ?? { container, path: join(this.#directory, container.id), users: 0, leave: undefined, ended: Promise.withResolvers<string>() }
      await this.#enter(known)
      this.#shown.set(container.id, known)
      known.users += 1
      return known
    })
    let isOpen = true
    const close = async (): Promise<void> => {
      if (!isOpen) return
      isOpen = false
      await container.lock.join(async () => {
        shown.users -= 1
        if (shown.users === 0) await this.#end(shown)
      })
    }
    return { path: shown.path, ended: shown.ended.promise, close }
  }

  /** At the end of the engine: at once, whoever looks. */
  close(): void {
    for (const { path } of this.#shown.values()) this.#remove(path)
    this.#shown.clear()
  }

  async #enter(shown: Shown): Promise<void> {
    if (shown.leave !== undefined) return
    const { container, path } = shown
    mkdirSync(path, { recursive: true, mode: 0o700 })
    try {
      shown.leave = await this.#mount(container, path)
    } catch (error) {
      this.#remove(path)
      throw error
    }
    container.lock.guest = async () => {
      await this.#leave(shown)
      void container.lock.join(() => this.#return(shown))
    }
  }

  /** After somebody's turn. */
  async #return(shown: Shown): Promise<void> {
    if (this.#shown.get(shown.container.id) !== shown) return
    try {
      if (shown.container.removed) throw new GantryError('NotFound', `container ${shown.container.name} was removed`)
      await this.#enter(shown)
    } catch (error) {
      await this.#end(shown)
      shown.ended.resolve(messageOf(error))
    }
  }

  async #leave(shown: Shown): Promise<void> {
    const { leave } = shown
    shown.leave = undefined
    try {
      await leave?.()
    } catch (error) {
      this.#ctx().log(`cannot take away ${shown.path}: ${messageOf(error)}`)
    }
  }

  async #end(shown: Shown): Promise<void> {
    if (this.#shown.get(shown.container.id) !== shown) return
    this.#shown.delete(shown.container.id)
    shown.container.lock.guest = undefined
    await this.#leave(shown)
    this.#remove(shown.path)
  }

  /** @returns what takes it away */
  async #mount(container: Container, path: string): Promise<() => Promise<void>> {
    const ctx = this.#ctx()
    const { kernel, snapshotter } = ctx
    if (container.task !== undefined) {
      mountBind(kernel, snapshotter.mountpoint(container.id), path, true)
      return async () => unmount(kernel, path)
    }
    await snapshotter.activate(container.id)
    const undo = async (): Promise<void> => {
      unmount(kernel, path)
      await snapshotter.deactivate(container.id)
    }
    try {
      const scratch = `${ctx.execRoot}/views/${container.id}`
      attachTree(kernel, openDetachedTree(kernel, { root: snapshotter.mount(container.id), scratch, readonly: true, furnish: () => undefined, ...viewMapping(ctx, container) }), path)
    } catch (error) {
      await undo().catch(() => undefined) // the first failure is the one to show
      throw error
    }
    return undo
  }

  #remove(path: string): void {
    try {
      unmount(this.#ctx().kernel, path)
      if (existsSync(path)) rmdirSync(path)
    } catch (error) {
      this.#ctx().log(`cannot take away ${path}: ${messageOf(error)}`)
    }
  }
}
