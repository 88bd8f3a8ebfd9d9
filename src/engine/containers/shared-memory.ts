import { mkdirSync } from 'node:fs'
import { KernelError } from '../../kernel/failure.ts'
import { unmount } from '../../kernel/mount.ts'
import { nr } from '../../kernel/syscalls.ts'
import type { RootIdentity } from '../user-namespace/container-users.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

const nosuidNodevNoexec = 0x2 | 0x4 | 0x8

/**
 * /dev/shm of a container whose IPC can be joined is a mount of the engine's, so that both see the same one.
 * A private one is the runtime's business: undefined.
 */
export function mountSharedMemory(ctx: ContainersContext, container: Container, { donor, root }: { donor: Container | undefined; root: RootIdentity }): string | undefined {
  if (donor !== undefined) return donor.hostConfig.IpcMode === 'shareable' ? shmPath(ctx, donor) : undefined
  if (container.hostConfig.IpcMode !== 'shareable') return undefined
  const path = shmPath(ctx, container)
  mkdirSync(path, { recursive: true, mode: 0o1777 })
  const label = ctx.security.selinux && container.labels ? `,context="${container.labels.mount}"` : ''
  const result = ctx.kernel.syscall(nr('mount'), 'shm', path, 'tmpfs', nosuidNodevNoexec, `mode=1777,size=${container.hostConfig.ShmSize ?? 0},uid=${root.uid},gid=${root.gid}${label}`)
  if (result < 0) throw new KernelError(`cannot mount ${path}`, -result)
  return path
}

export function unmountSharedMemory(ctx: ContainersContext, container: Container): void {
  if (container.hostConfig.IpcMode === 'shareable') unmount(ctx.kernel, shmPath(ctx, container))
}

function shmPath(ctx: ContainersContext, container: Container): string {
  return `${ctx.store.paths(container.id).directory}/mounts/shm`
}
