import { mkdirSync } from 'node:fs'
import type { Snapshotter } from '../../containerd/snapshots/contract.ts'
import { unpackLayer } from '../../containerd/snapshots/tree/unpack-layer.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { mountBind, mountOverlay, unmount } from '../../kernel/mount.ts'

export interface CopyContainer {
  kernel: Kernel
  key: string
  /** Chain id of its image's top layer; the other store has it. */
  parent: string | undefined
  quota: number | undefined
  from: Snapshotter
  to: Snapshotter
}

/** Copies what a stopped container wrote. What a killed attempt has left of it is made anew. */
export async function copyContainer({ kernel, key, parent, quota, from, to }: CopyContainer): Promise<void> {
  if (to.keys().includes(key)) await removeCopy(kernel, to, key)
  await to.prepare(key, parent, quota === undefined ? {} : { quota })
  await to.activate(key)
  const target = to.mountpoint(key)
  mkdirSync(target, { recursive: true })
  const mount = to.mount(key)
  if (mount.type === 'overlay') mountOverlay(kernel, target, mount)
  else mountBind(kernel, mount.source, target, mount.readonly)
  try {
    // In the mounted root whiteouts remove, and the driver makes of that what it likes.
    await unpackLayer({ kernel, tar: from.diff(key), directory: target, whiteouts: 'applied' })
    await kernel.tool(['sync', '-f', target])
  } finally {
    unmount(kernel, target)
    await to.deactivate(key)
  }
}

export async function removeCopy(kernel: Kernel, store: Snapshotter, key: string): Promise<void> {
  unmount(kernel, store.mountpoint(key))
  await store.remove(key)
}
