import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { GantryError } from '../../../lib/errors.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { loadFilesystem, unmount } from '../../../kernel/mount.ts'
import type { SnapshotDriver } from '../driver.ts'
import { backingFilesystem } from '../backing-filesystem.ts'
import { missingFilesystem } from '../missing-filesystem.ts'
import { driverOptions } from '../storage-options.ts'
import { KeyedQueue } from '../tree/keyed-queue.ts'
import { OverlaySnapshotter, type OverlayFlavour, type OverlayPaths } from '../overlay2/overlay-snapshotter.ts'

const program = 'fuse-overlayfs'

/** Overlays by a FUSE server for each active container, on the same directories as overlay2: https://github.com/containers/fuse-overlayfs. */
export const fuseOverlayfs: SnapshotDriver = {
  name: 'fuse-overlayfs',
  async missing({ kernel }) {
    const reason = missingFilesystem('fuse', () => loadFilesystem(kernel, 'fuse'))
    if (reason !== undefined) return reason
    const { code } = await kernel.tool([program, '--version'])
    return code === 127 ? `exec: "${program}": executable file not found in $PATH` : undefined
  },
  async open({ root, kernel, options }) {
    driverOptions('fuse-overlayfs', 'fuse-overlayfs', options, [])
    mkdirSync(root, { recursive: true, mode: 0o710 })
    return new OverlaySnapshotter({ root, kernel, flavour: flavour(root, kernel) })
  },
}

function flavour(root: string, kernel: Kernel): OverlayFlavour {
  const queue = new KeyedQueue()
  return {
    name: 'fuse-overlayfs',
    marks: 'files too',
    mount: ({ directory }) => ({ type: 'bind', source: served(directory), readonly: false }),
    activate: async (paths) => queue.run(paths.directory, () => serve(kernel, paths, served(paths.directory))),
    deactivate: async ({ directory }) => {
      if (isServed(served(directory))) unmount(kernel, served(directory))
    },
    quotaRefusal: '--storage-opt is not supported for fuse-overlayfs',
    status: () => [
      ['Backing Filesystem', backingFilesystem(root)],
      ['Native Overlay Diff', 'true'],
    ],
  }
}

/** It goes to the background by itself once it is mounted, and ends when the last mount of it does. */
async function serve(kernel: Kernel, { lower, upper, work }: OverlayPaths, target: string): Promise<void> {
  if (lower.length === 0 || isServed(target)) return
  mkdirSync(target, { recursive: true })
  const options = `lowerdir=${lower.map(escaped).join(':')},upperdir=${escaped(upper)},workdir=${escaped(work)},suid,dev`
  const { code, stderr } = await kernel.tool([program, '-o', options, target])
  if (code !== 0) throw new GantryError('System', `cannot start ${program}: ${stderr.trim() || `exit status ${code}`}`)
}

/** Where the server's mount is: the task service binds it to the mount point. */
function served(directory: string): string {
  return join(directory, 'fuse')
}

function escaped(path: string): string {
  return path.replaceAll(/[\\:,]/g, String.raw`\$&`)
}

function isServed(target: string): boolean {
  try {
    return statSync(target).dev !== statSync(join(target, '..')).dev
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT') return false
    // The server has died and left its mount.
    if (code === 'ENOTCONN') return true
    throw error
  }
}
