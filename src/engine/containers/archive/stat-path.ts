import { closeSync, fstatSync, type BigIntStats } from 'node:fs'
import { KernelError } from '../../../kernel/failure.ts'
import { openInRoot } from '../../../kernel/in-root.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { errnoText } from '../../../kernel/errno.ts'
import { GantryError } from '../../../lib/errors.ts'
import type { PathStat } from '../../engine.ts'
import type { Container } from '../container.ts'
import type { ContainersContext } from '../context.ts'
import { absolutePath, baseName } from './container-path.ts'
import { goFileMode } from './go-file-mode.ts'
import { linkTarget } from './link-target.ts'
import { openRootView, type RootView } from './root-view.ts'

/** What a client asked for: the words of its request are those of the errors. */
export interface AskedPath {
  ref: string
  path: string
}

export async function statContainerPath(ctx: ContainersContext, container: Container, asked: AskedPath): Promise<PathStat> {
  const view = await openRootView(ctx, container, { volumes: true })
  try {
    const node = openAsked(ctx.kernel, view, asked)
    try {
      return pathStat(ctx.kernel, view, { asked, stats: fstatSync(node, { bigint: true }) })
    } finally {
      closeSync(node)
    }
  } finally {
    await view.close()
  }
}

/** The node itself, a link too unless the path ends with a slash. @throws NotFound with Docker's text */
export function openAsked(kernel: Kernel, view: RootView, { ref, path }: AskedPath): number {
  const absolute = absolutePath(path)
  try {
    return openInRoot(kernel, view.root, absolute)
  } catch (error) {
    throw pathFailure(error, { ref, path, act: `lstat ${absolute}` })
  }
}

export function pathFailure(error: unknown, { ref, path, act }: AskedPath & { act: string }): unknown {
  if (!(error instanceof KernelError)) return error
  if (error.code === 'ENOENT') return new GantryError('NotFound', `Could not find the file ${path} in container ${ref}`, { cause: error })
  return new GantryError('System', `${act}: ${errnoText(error.errno)}`, { cause: error })
}

export function pathStat(kernel: Kernel, view: RootView, { asked, stats }: { asked: AskedPath; stats: BigIntStats }): PathStat {
  const absolute = absolutePath(asked.path)
  return {
    name: baseName(absolute),
    size: Number(stats.size),
    mode: goFileMode(stats),
    mtime: rfc3339(stats.mtimeNs),
    linkTarget: stats.isSymbolicLink() ? linkTarget(kernel, view.root, absolute) : '',
  }
}

function rfc3339(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const seconds = Number((nanoseconds - fraction) / 1_000_000_000n)
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  const date = new Date(seconds * 1000)
  // Beyond what a JavaScript date, or an RFC 3339 year, can say.
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 0) return '0001-01-01T00:00:00Z'
  return `${date.toISOString().slice(0, 19)}${digits}Z`
}
