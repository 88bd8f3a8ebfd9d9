import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { cacheDirectory, projectRoot } from '../../harness/image.ts'

/**
 * In a mount namespace of its own: whatever becomes of it, no mount is left.
 * @returns a script that puts zfs into a machine with this kernel, or why it cannot be had. Compiles for minutes when it is not kept.
 */
export function zfsFor(kernel: string): { script: string } | { reason: string } {
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', '--propagation', 'private', path.join(import.meta.dirname, 'compile'), kernel, cacheDirectory], { encoding: 'utf8' })
  if (status !== 0) return { reason: stderr.trim() }
  mkdirSync(path.join(projectRoot, 'build/vm'), { recursive: true })
  copyFileSync(stdout.trim(), path.join(projectRoot, 'build/vm/zfs.tar'))
  // Not over the links of a merged /usr.
  return { script: 'tar -C / --keep-directory-symlink --no-overwrite-dir -xf /mnt/host/build/vm/zfs.tar && depmod && ldconfig' }
}
