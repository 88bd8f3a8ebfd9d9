import { readdirSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { posix } from 'node:path'
import { GantryError } from '../../lib/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { fileLabel, setFileLabel } from '../../kernel/selinux.ts'
import { parse, text } from './selinux-labels.ts'

/** Whose new label would keep the host from working. */
const forbidden = new Set(['/', '/bin', '/boot', '/dev', '/etc', '/home', '/lib', '/lib64', '/media', '/mnt', '/opt', '/proc', '/root', '/run', '/sbin', '/srv', '/sys', '/tmp', '/usr', '/var', '/var/lib'])

/**
 * Gives a tree the label of a container's files, `shared` without its categories, so that all containers may use it (`:z`); else
 * that container alone (`:Z`). Symlinks are labelled, not followed; other mounts in the tree are relabelled, too.
 * @throws InvalidParameter for a directory that the host needs as it is
 */
export async function relabel(kernel: Pick<Kernel, 'syscall'>, path: string, { label, shared }: { label: string; shared: boolean }): Promise<void> {
  const place = posix.resolve(path)
  if (forbidden.has(place)) throw new GantryError('InvalidParameter', `SELinux relabeling of ${place} is not allowed`)
  const wanted = shared ? text({ ...parse(label), level: 's0' }) : label
  await labelTree(kernel, place, wanted)
}

/**
 * Gives the directory of layers the label that containers may read: what they map is checked by the label that it has on disk,
 * whatever an overlay shows. What is made in it from then on has its label; what was there before is relabelled once.
 */
export async function labelLayers(kernel: Pick<Kernel, 'syscall'>, directory: string, label: string): Promise<void> {
  if (fileLabel(kernel, directory) === label) return
  // Last of all, since it tells that the rest is done.
  for (const name of readdirSync(directory)) await labelTree(kernel, posix.join(directory, name), label)
  setFileLabel(kernel, directory, label)
}

async function labelTree(kernel: Pick<Kernel, 'syscall'>, path: string, label: string): Promise<void> {
  const status = await lstat(path).catch(ignoreMissing)
  if (status === undefined) return
  if (fileLabel(kernel, path) !== label) setFileLabel(kernel, path, label)
  if (!status.isDirectory()) return
  for (const name of readdirSync(path)) await labelTree(kernel, posix.join(path, name), label)
}

/** Somebody may be at work in it. */
function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
