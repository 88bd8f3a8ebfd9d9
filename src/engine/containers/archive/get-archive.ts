import { closeSync, fstatSync } from 'node:fs'
import { Readable } from 'node:stream'
import { openInRoot } from '../../../kernel/in-root.ts'
import { writeTar, type TarMember } from '../../../lib/tar/writer.ts'
import type { PathStat } from '../../engine.ts'
import { usersOfFiles, withInsideIds } from '../../user-namespace/container-files.ts'
import { emitContainerEvent } from '../container-events.ts'
import type { Container } from '../container.ts'
import type { ContainersContext } from '../context.ts'
import { absolutePath, baseName, directoryName } from './container-path.ts'
import { packDirectory, packNode } from './pack-tree.ts'
import { openRootView } from './root-view.ts'
import { openAsked, pathFailure, pathStat, type AskedPath } from './stat-path.ts'

/** A tar of what is at a path. A stopped container takes its turn until the stream is closed. */
export async function getContainerArchive(ctx: ContainersContext, container: Container, asked: AskedPath): Promise<{ stat: PathStat; tar: Readable }> {
  const { kernel } = ctx
  const view = await openRootView(ctx, container, { volumes: true })
  const open: number[] = []
  const close = (): Promise<void> => {
    for (const descriptor of open.splice(0)) closeSync(descriptor)
    return view.close()
  }
  try {
    const node = openAsked(kernel, view, asked)
    open.push(node)
    const stats = fstatSync(node, { bigint: true })
    const stat = pathStat(kernel, view, { asked, stats })
    const absolute = absolutePath(asked.path)
    let members: Generator<TarMember>
    if (stats.isDirectory()) {
      members = packDirectory(kernel, node, stat.name === '/' ? '' : stat.name)
    } else {
      const parent = openParent(() => openInRoot(kernel, view.root, directoryName(absolute), 'directory'), asked)
      open.push(parent)
      members = packNode(kernel, { path: stat.name, place: `/proc/self/fd/${parent}/${baseName(absolute)}`, stats })
    }
    emitContainerEvent(ctx, container, 'archive-path')
    return { stat, tar: closing(withInsideIds(members, usersOfFiles(ctx, container)), close) }
  } catch (error) {
    await close()
    throw error
  }
}

/** A tar stream with something to close, also when nobody ever read from it. */
export function closing(members: Iterable<TarMember>, close: () => Promise<void>): Readable {
  const stream = Readable.from(writeTar(members), { objectMode: false })
  stream.once('close', () => void close().catch(() => undefined))
  return stream
}

function openParent(open: () => number, asked: AskedPath): number {
  try {
    return open()
  } catch (error) {
    throw pathFailure(error, { ...asked, act: `lstat ${asked.path}` })
  }
}
