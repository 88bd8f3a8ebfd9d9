import { deviceNumber } from '../../containerd/snapshots/tree/device-number.ts'
import { nodeCalls } from '../../containerd/snapshots/tree/node-calls.ts'
import { S_IFBLK, S_IFCHR, S_IFIFO } from '../../kernel/constants/files.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { GantryError } from '../../lib/errors.ts'
import type { SpecialNodes } from '../../lib/fsutil/directory-writer.ts'

/** Devices, fifos, attributes and times of what a client sends. */
export function specialNodes(kernel: Kernel): SpecialNodes {
  const calls = nodeCalls(kernel)
  return {
    make(path, { kind, major, minor }) {
      const device = kind === 'fifo' ? 0 : deviceNumber(major, minor)
      if (device === undefined) throw new GantryError('InvalidParameter', `there is no device ${major}:${minor}`)
      calls.makeNode(path, { fifo: S_IFIFO, character: S_IFCHR, block: S_IFBLK }[kind] | 0o600, device)
    },
    setTime: (file, time) => (typeof file === 'number' ? calls.setOpenTime(file, time) : calls.setTime(file, time)),
    setXattr: (path, name, value) => calls.setXattr(path, name, Buffer.from(value)),
  }
}
