import { closeSync, constants, readdirSync, statSync } from 'node:fs'
import { KernelError } from '../../kernel/failure.ts'
import { openInRoot } from '../../kernel/in-root.ts'
import { defaultPath } from '../spec/environment.ts'
import { openRootView } from './archive/root-view.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

const executable = constants.S_IXUSR | constants.S_IXGRP | constants.S_IXOTH
const most = 1000

/** Paths of what a container can execute: what lies in its PATH, in its root and its working directory, in this order. */
export async function containerPrograms(ctx: ContainersContext, container: Container): Promise<string[]> {
  const path = container.config.Env?.findLast((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? defaultPath
  const directories = new Set([...path.split(':').filter((directory) => directory.startsWith('/')), '/', container.config.WorkingDir || '/'])
  const view = await openRootView(ctx, container, { volumes: true })
  try {
    return [...directories].flatMap((directory) => executablesIn(ctx, view.root, directory)).slice(0, most)
  } finally {
    await view.close()
  }
}

function executablesIn(ctx: ContainersContext, root: number, directory: string): string[] {
  const descriptor = opened(ctx, root, directory, 'directory')
  if (descriptor === undefined) return []
  try {
    return readdirSync(`/proc/self/fd/${descriptor}`).map((name) => `${directory === '/' ? '' : directory}/${name}`).filter((path) => isExecutable(ctx, root, path)).toSorted()
  } finally {
    closeSync(descriptor)
  }
}

/** Links are followed within the container. */
function isExecutable(ctx: ContainersContext, root: number, path: string): boolean {
  const descriptor = opened(ctx, root, path, 'followed')
  if (descriptor === undefined) return false
  try {
    const stats = statSync(`/proc/self/fd/${descriptor}`)
    // An empty one is a mark, such as /.dockerenv.
    return stats.isFile() && stats.size > 0 && (stats.mode & executable) !== 0
  } finally {
    closeSync(descriptor)
  }
}

function opened(ctx: ContainersContext, root: number, path: string, last: 'followed' | 'directory'): number | undefined {
  try {
    return openInRoot(ctx.kernel, root, path, last)
  } catch (error) {
    if (error instanceof KernelError) return undefined
    throw error
  }
}
