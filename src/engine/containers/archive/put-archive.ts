import { closeSync, fstatSync } from 'node:fs'
import { decompressed } from '../../../containerd/images/decompress.ts'
import { withWholeSource } from '../../../containerd/images/whole-source.ts'
import { isReadOnly, openInRoot } from '../../../kernel/in-root.ts'
import { GantryError } from '../../../lib/errors.ts'
import { readTar } from '../../../lib/tar/reader.ts'
import { resolveUser } from '../../../runc/user.ts'
import type { PutArchive } from '../../engine.ts'
import { outsideIds, unpackInside, usersOfFiles } from '../../user-namespace/container-files.ts'
import { emitContainerEvent } from '../container-events.ts'
import type { Container } from '../container.ts'
import type { ContainersContext } from '../context.ts'
import { absolutePath } from './container-path.ts'
import { ContainerExtractor } from './extractor.ts'
import { linkTarget } from './link-target.ts'
import { openRootView, type RootView } from './root-view.ts'
import { pathFailure, type AskedPath } from './stat-path.ts'

/** More is no copy but an attack: a directory of so many files is copied by its parent. */
const memberLimit = 5_000_000

/** Unpacks an archive into a directory of a container. What was unpacked before a failure stays, as in Docker. */
export async function putContainerArchive(ctx: ContainersContext, container: Container, request: PutArchive & AskedPath): Promise<void> {
  await withWholeSource(request.tar, async (tar) => {
    const view = await openRootView(ctx, container, { volumes: true })
    try {
      checkDestination(ctx, container, { view, asked: request })
      const users = usersOfFiles(ctx, container)
      const extractor = new ContainerExtractor(ctx.kernel, {
        root: view.root,
        destination: absolutePath(request.path),
        noOverwriteDirNonDir: request.noOverwriteDirNonDir,
        ...(request.copyUidGid && container.config.User ? { owner: outsideIds(resolveUser(ctx.kernel, `/proc/self/fd/${view.root}`, container.config.User), users) } : {}),
      })
      try {
        await readTar(decompressed(tar), unpackInside(ctx, users, extractor), { members: memberLimit })
        extractor.finish()
      } finally {
        extractor.close()
      }
    } finally {
      await view.close()
    }
  })
  emitContainerEvent(ctx, container, 'extract-to-dir')
}

/** @throws NotFound, InvalidParameter with Docker's texts */
function checkDestination(ctx: ContainersContext, container: Container, { view, asked }: { view: RootView; asked: AskedPath }): void {
  const absolute = absolutePath(asked.path)
  const directory = openDestination(ctx, view, asked)
  try {
    if (!fstatSync(directory).isDirectory()) throw new GantryError('InvalidParameter', 'extraction point is not a directory')
    if (!isReadOnly(ctx.kernel, directory)) return
  } finally {
    closeSync(directory)
  }
  const place = linkTarget(ctx.kernel, view.root, absolute)
  const inVolume = container.mounts.some(({ Destination }) => place === Destination || place.startsWith(`${Destination}/`))
  throw new GantryError('InvalidParameter', inVolume ? 'mounted volume is marked read-only' : 'container rootfs is marked read-only')
}

function openDestination(ctx: ContainersContext, view: RootView, asked: AskedPath): number {
  const absolute = absolutePath(asked.path)
  try {
    return openInRoot(ctx.kernel, view.root, absolute, 'followed')
  } catch (error) {
    throw pathFailure(error, { ...asked, act: `lstat ${absolute}` })
  }
}
