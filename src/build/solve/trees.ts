import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readlinkSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openInRoot } from '../../kernel/in-root.ts'
import { mountOverlay, unmount } from '../../kernel/mount.ts'
import { GantryError } from '../../lib/errors.ts'
import type { BuildJob, BuildRoom } from './build-room.ts'

/** A root file system that can be read or written at a host path. */
export interface OpenTree {
  path: string
  /** Where an overlay keeps what is written. */
  upper?: string
  close(): Promise<void>
}

/** Mounts a prepared snapshot for the engine itself, at a place that is cleaned at the next start. */
export async function openSnapshot({ kernel, core, runtimeDir }: BuildRoom, key: string): Promise<OpenTree> {
  const { snapshotter } = core
  await snapshotter.activate(key)
  const mount = snapshotter.mount(key)
  if (mount.type === 'bind') return { path: mount.source, close: () => snapshotter.deactivate(key) }
  const path = join(runtimeDir, 'mounts', key)
  mkdirSync(path, { recursive: true })
  mountOverlay(kernel, path, mount)
  return {
    path,
    upper: mount.upper,
    close: async () => {
      unmount(kernel, path)
      await rmdir(path)
      await snapshotter.deactivate(key)
    },
  }
}

/** A copy of a layer's tree that may be written to, and is thrown away. */
export async function openThrowaway(room: BuildRoom, chainId: string | undefined): Promise<OpenTree> {
  const snapshot = await prepareSnapshot(room, chainId)
  try {
    const tree = await openSnapshot(room, snapshot.key)
    return {
      path: tree.path,
      close: async () => {
        await tree.close()
        await snapshot.remove()
      },
    }
  } catch (error) {
    await snapshot.remove()
    throw error
  }
}

/** A writable snapshot upon a layer. It is held, so that nobody takes it for rubbish. */
export async function prepareSnapshot({ core }: Pick<BuildRoom, 'core'>, chainId: string | undefined): Promise<{ key: string; remove: () => Promise<void> }> {
  const { snapshotter, holds } = core
  const key = randomBytes(32).toString('hex')
  const letGo = holds.hold([{ kind: 'layer', key }])
  const remove = async (): Promise<void> => {
    try {
      if (snapshotter.keys().includes(key)) await snapshotter.remove(key)
    } finally {
      letGo()
    }
  }
  try {
    await snapshotter.prepare(key, chainId)
  } catch (error) {
    await remove()
    throw error
  }
  return { key, remove }
}

/** The same of a directory that is no layer: a context. */
export async function openWritable(room: BuildRoom, root: string): Promise<OpenTree> {
  const { kernel, scratchDir } = room
  const directory = join(scratchDir, randomBytes(16).toString('hex'))
  const { code, stderr } = await kernel.tool(['cp', '-a', '--reflink=auto', '-T', root, directory])
  const close = (): Promise<void> => rm(directory, { recursive: true, force: true })
  if (code === 0) return { path: directory, close }
  await close()
  throw new GantryError('System', `cannot copy ${root}: ${stderr.trim()}`)
}

/** Trees of finished steps, each mounted once in a build and unmounted at its end. */
export class OpenTrees {
  readonly #room: BuildRoom
  readonly #job: BuildJob
  readonly #trees = new Map<string, Promise<string>>()

  constructor(room: BuildRoom, job: BuildJob) {
    this.#room = room
    this.#job = job
  }

  path(chainId: string | undefined): Promise<string> {
    const name = chainId ?? ''
    let path = this.#trees.get(name)
    if (path === undefined) {
      path = openThrowaway(this.#room, chainId).then((tree) => {
        this.#job.cleanups.push(() => tree.close())
        return tree.path
      })
      this.#trees.set(name, path)
    }
    return path
  }
}

/** The host path of something in a tree that nobody changes, links being followed inside. @throws NotFound */
export function pathInTree({ kernel }: Pick<BuildRoom, 'kernel'>, root: string, path: string): string {
  const directory = openSync(root, 'r')
  try {
    const found = openInRoot(kernel, directory, path, 'followed')
    try {
      return readlinkSync(`/proc/self/fd/${found}`)
    } finally {
      closeSync(found)
    }
  } catch (error) {
    throw new GantryError('NotFound', `${JSON.stringify(path)}: not found`, { cause: error })
  } finally {
    closeSync(directory)
  }
}
