import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KernelError } from '../../kernel/failure.ts'
import { unmount } from '../../kernel/mount.ts'
import { nr } from '../../kernel/syscalls.ts'
import type { BuildRoom } from './build-room.ts'

export interface FileOwner {
  mode: number
  uid: number
  gid: number
}

/** Files of one step that are in memory alone. */
export interface SecretFiles {
  /** @returns its host path */
  write(content: Uint8Array | string, owner: FileOwner): string
  /** A place for something else. */
  path(): string
  close(): void
}

const nosuidNodev = 0x2 | 0x4

/** The mount is made with the first file. */
export function openSecretFiles({ kernel, runtimeDir }: Pick<BuildRoom, 'kernel' | 'runtimeDir'>): SecretFiles {
  const directory = join(runtimeDir, 'mounts', `secrets-${randomBytes(8).toString('hex')}`)
  let files = 0
  const path = (): string => {
    if (files === 0) {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      const result = kernel.syscall(nr('mount'), 'tmpfs', directory, 'tmpfs', nosuidNodev, 'mode=711')
      if (result < 0) throw new KernelError(`cannot mount ${directory}`, -result)
    }
    return join(directory, String(files++))
  }
  return {
    path,
    write(content, { mode, uid, gid }) {
      const file = path()
      writeFileSync(file, content, { mode: 0o600, flag: 'wx' })
      chownSync(file, uid, gid)
      chmodSync(file, mode)
      return file
    },
    close() {
      if (files === 0) return
      unmount(kernel, directory)
      rmdirSync(directory)
    },
  }
}
