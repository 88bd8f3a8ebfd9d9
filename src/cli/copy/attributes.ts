import { deviceNumber } from '../../containerd/snapshots/tree/device-number.ts'
import { nodeCalls } from '../../containerd/snapshots/tree/node-calls.ts'
import { readXattrs } from '../../containerd/snapshots/tree/xattrs.ts'
import { S_IFBLK, S_IFCHR, S_IFIFO } from '../../kernel/constants/files.ts'
import { linuxKernel } from '../../kernel/linux.ts'
import type { TarEntry } from '../../lib/tar/entry.ts'

/** What copies need of the caller's own host and node:fs lacks. Paths lead to the node itself. */
const calls = nodeCalls(linuxKernel)

/** Extended attributes that travel with a file: those of users, file capabilities and access lists. */
export function readAttributes(place: string): Map<string, Buffer> {
  return readXattrs(linuxKernel, place)
}

/** Sets what the caller may and the file system can. */
export function writeAttributes(descriptor: number | string, attributes: TarEntry['xattrs']): void {
  for (const [name, value] of attributes) {
    try {
      if (typeof descriptor === 'string') calls.setXattr(descriptor, name, value)
      else calls.setOpenXattr(descriptor, name, value)
    } catch (error) {
      const code = (error as { code?: string }).code ?? ''
      if (!['EPERM', 'EACCES', 'EOPNOTSUPP', 'ENOTSUP', 'EINVAL'].includes(code)) throw error
    }
  }
}

/** To the nanosecond. */
export function writeTime(target: number | string, time: bigint): void {
  if (typeof target === 'string') calls.setTime(target, time)
  else calls.setOpenTime(target, time)
}

/** A fifo, or a device, which takes root. @throws KernelError EPERM, EINVAL for a device that no kernel has */
export function makeSpecial(place: string, entry: TarEntry): void {
  const kind = { fifo: S_IFIFO, character: S_IFCHR, block: S_IFBLK }[entry.type as 'fifo' | 'character' | 'block']
  const device = entry.type === 'fifo' ? 0 : deviceNumber(entry.deviceMajor, entry.deviceMinor)
  if (device === undefined) throw new Error(`there is no device ${entry.deviceMajor}:${entry.deviceMinor}`)
  calls.makeNode(place, kind | 0o600, device)
}
