import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { MS_BIND } from '../constants/mounts.ts'
import { KernelError } from '../failure.ts'
import type { Kernel } from '../kernel.ts'
import { unmount } from '../mount.ts'
import { nr } from '../syscalls.ts'
import { protocol } from './constants.ts'
import type { HomeNamespace } from './namespace.ts'
import { NetlinkSocket } from './socket.ts'

const NSFS_MAGIC = 0x6e736673

/** A network namespace without a process: a bind mount on `path` keeps it, as ip-netns(8) does. */
export interface KeptNamespace {
  fd: number
  /** rtnetlink inside. */
  socket: NetlinkSocket
}

/** The one that `path` keeps, or undefined. */
export function openKeptNamespace(kernel: Kernel, home: HomeNamespace, path: string): KeptNamespace | undefined {
  if (!isNamespace(kernel, path)) return undefined
  const fd = openSync(path, 'r')
  try {
    return { fd, socket: home.within(fd, path, () => new NetlinkSocket(kernel, protocol.route)) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** A new one. `prepare` runs inside, under the rules of HomeNamespace.within, with /proc/sys/net of the new namespace. */
export function makeKeptNamespace(kernel: Kernel, home: HomeNamespace, options: { path: string; prepare: () => void }): KeptNamespace {
  const { path, prepare } = options
  writeFileSync(path, '')
  home.apart(() => {
    const mounted = kernel.syscall(nr('mount'), '/proc/thread-self/ns/net', path, '', MS_BIND, null)
    if (mounted < 0) throw new KernelError(`cannot keep a network namespace at ${path}`, -mounted)
    prepare()
  })
  const made = openKeptNamespace(kernel, home, path)
  if (made === undefined) throw new Error(`cannot find the network namespace at ${path} that was just made`)
  return made
}

/** With all that is in it. Fine when there is none. */
export function removeKeptNamespace(kernel: Kernel, path: string): void {
  unmount(kernel, path)
  rmSync(path, { force: true })
}

/** After a reboot there may be the bare file. */
function isNamespace(kernel: Kernel, path: string): boolean {
  const statistics = Buffer.alloc(128)
  return kernel.syscall(nr('statfs'), path, statistics) >= 0 && statistics.readUInt32LE(0) === NSFS_MAGIC
}
