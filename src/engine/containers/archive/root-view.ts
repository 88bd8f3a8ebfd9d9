import { closeSync, openSync } from 'node:fs'
import { O_CLOEXEC, O_DIRECTORY, O_PATH } from '../../../kernel/constants/files.ts'
import { cloneTree } from '../../../kernel/detached-tree.ts'
import { KernelError } from '../../../kernel/failure.ts'
import { nr } from '../../../kernel/syscalls.ts'
import { GantryError } from '../../../lib/errors.ts'
import type { Container } from '../container.ts'
import type { ContainersContext } from '../context.ts'
import { closeMounts, openMounts } from '../open-mounts.ts'
import { mountView } from './view-tree.ts'

/** The file system of a container, as its processes see it or would see it. */
export interface RootView {
  /** Descriptor of its root. Every path goes through openInRoot with it: never through a path of the host. */
  readonly root: number
  /** Idempotent. */
  readonly close: () => Promise<void>
}

/**
 * Opens a container's file system: of a running one by the root of its mount namespace, with volumes, binds and tmpfs; else
 * mounted for the time, and the container takes its turn (a start waits until the view is closed). Without `volumes` it is the root
 * file system alone.
 * @throws NotFound when the container is removed meanwhile
 */
export async function openRootView(ctx: ContainersContext, container: Container, options: { volumes: boolean }): Promise<RootView> {
  for (;;) {
    const root = options.volumes ? openRunning(ctx, container) : await cloneRunning(ctx, container)
    if (root !== undefined) return { root, close: once(async () => closeSync(root)) }
    const view = await openStopped(ctx, container, options.volumes)
    if (view !== undefined) return view
    // It runs by now, or its processes are gone and the engine is about to learn that.
    await (container.exited ?? new Promise((resolve) => setTimeout(resolve, 10)))
  }
}

function isRunning({ state }: Container): boolean {
  return state.Running && !state.Restarting
}

/** Its end is handled, and the mount taken away, under the same lock. */
async function cloneRunning(ctx: ContainersContext, container: Container): Promise<number | undefined> {
  return await container.lock.run(() => (isRunning(container) ? cloneTree(ctx.kernel, ctx.snapshotter.mountpoint(container.id)) : undefined))
}

/** undefined when it has no process. */
function openRunning(ctx: ContainersContext, container: Container): number | undefined {
  if (!isRunning(container)) return undefined
  try {
    const seen = openSync(`/proc/${container.state.Pid}/root`, O_PATH | O_DIRECTORY | O_CLOEXEC)
    try {
      return topOf(ctx, seen)
    } finally {
      closeSync(seen)
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined
    throw error
  }
}

const deepest = 1000

/** The process may have changed its root to a directory deep down (or to a bind of the host's): `..` leads to the root of its namespace. */
function topOf(ctx: ContainersContext, descriptor: number): number {
  const result = ctx.kernel.syscall(nr('openat'), descriptor, '../'.repeat(deepest), O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
  if (result < 0) throw new KernelError('cannot open the root of the container', -result)
  return result
}

/** Under the container's lock until it is closed; undefined when it runs. */
async function openStopped(ctx: ContainersContext, container: Container, volumes: boolean): Promise<RootView | undefined> {
  const release = await hold(container)
  try {
    if (container.removed) throw new GantryError('NotFound', `No such container: ${container.id}`)
    if (isRunning(container)) {
      release()
      return undefined
    }
    await ctx.snapshotter.activate(container.id)
    const root = await mountWithVolumes(ctx, container, { scratch: `${ctx.execRoot}/views/${container.id}`, volumes })
    return {
      root,
      close: once(async () => {
        closeSync(root)
        try {
          await ctx.snapshotter.deactivate(container.id)
        } finally {
          release()
        }
      }),
    }
  } catch (error) {
    release()
    throw error
  }
}

/** What the view needs of the host's mounts is copied into it: they go at once. */
async function mountWithVolumes(ctx: ContainersContext, container: Container, options: { scratch: string; volumes: boolean }): Promise<number> {
  if (!options.volumes) return mountView(ctx, container, options)
  try {
    const mounts = await openMounts(ctx, container, { quiet: true })
    try {
      return mountView(ctx, container, { ...options, sources: mounts.sources })
    } finally {
      mounts.close()
    }
  } finally {
    await closeMounts(ctx, container, { quiet: true })
  }
}

/** Waits for the container's turn. @returns what ends it */
async function hold(container: Container): Promise<() => void> {
  const { promise: ended, resolve: release } = Promise.withResolvers<void>()
  await new Promise<void>((begin) => {
    void container.lock.run(async () => {
      begin()
      await ended
    })
  })
  return release
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => (closing ??= close())
}
