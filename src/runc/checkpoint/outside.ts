import { closeSync, openSync, readlinkSync, statSync } from 'node:fs'
import { KernelError } from '../../kernel/failure.ts'
import { openInRoot } from '../../kernel/in-root.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError, messageOf } from '../../lib/errors.ts'
import { isBind } from '../mounts/bind.ts'
import { cleanPath } from '../mounts/target.ts'
import type { OciNamespace, OciSpec } from '../spec.ts'

/** What a container has of the host, and criu cannot put into an image: it is named at the checkpoint and given again at the restore. */

/** Bind mounts: where they are, with no link left in the path, and what is mounted there. */
export function outsideMounts(kernel: Pick<Kernel, 'syscall'>, { mounts = [] }: OciSpec, rootfs: string): { destination: string; source: string }[] {
  return mounts.filter(isBind).map(({ destination, source = '' }) => ({ destination: withoutLinks(kernel, rootfs, destination), source }))
}

/** Namespaces by path that criu takes as they are. */
const kept: Partial<Record<OciNamespace, { criu: string; key: string }>> = {
  network: { criu: 'net', key: 'extRootNetNS' },
  pid: { criu: 'pid', key: 'extRootPidNS' },
}
const criuNames: Partial<Record<OciNamespace, string>> = { ipc: 'ipc', uts: 'uts', mount: 'mnt', user: 'user', time: 'time' }

/** For a checkpoint: `net[4026532008]:extRootNetNS`. */
export function outsideNamespaces({ linux }: OciSpec): string[] {
  return (linux?.namespaces ?? []).flatMap(({ type, path }) => {
    const name = kept[type]
    return !path || name === undefined ? [] : [`${name.criu}[${statSync(path).ino}]:${name.key}`]
  })
}

/** For a restore: descriptors by their key, and namespaces that criu enters by path. */
export function givenNamespaces({ linux }: OciSpec): { open: { key: string; descriptor: number }[]; join: { ns: string; ns_file: string }[] } {
  const open: { key: string; descriptor: number }[] = []
  const join: { ns: string; ns_file: string }[] = []
  for (const { type, path } of linux?.namespaces ?? []) {
    const name = kept[type]
    const other = criuNames[type]
    if (!path) continue
    if (name !== undefined) open.push({ key: name.key, descriptor: openNamespace(path, type) })
    else if (other !== undefined) join.push({ ns: other, ns_file: path })
    else throw new GantryError('NotImplemented', `cannot restore: criu joins no ${type} namespace (linux.namespaces)`)
  }
  return { open, join }
}

function openNamespace(path: string, type: OciNamespace): number {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    throw new GantryError('InvalidParameter', `cannot restore: the ${type} namespace ${path} is not there: ${messageOf(cause)}`, { cause })
  }
}

/** criu knows mounts by the paths that the kernel shows. */
function withoutLinks(kernel: Pick<Kernel, 'syscall'>, rootfs: string, destination: string): string {
  const root = openSync(rootfs, 'r')
  try {
    const place = openInRoot(kernel, root, destination, 'followed')
    const [top, found] = [root, place].map((descriptor) => readlinkSync(`/proc/self/fd/${descriptor}`))
    closeSync(place)
    return found === top ? '/' : found!.slice(top === '/' ? 0 : top!.length)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    return cleanPath(destination)
  } finally {
    closeSync(root)
  }
}
