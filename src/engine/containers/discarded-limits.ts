import { hasBlockIoFile, hasBlockIoWeight } from '../../kernel/cgroup/weight.ts'
import type { HostConfig } from '../types/host-config.ts'

type BlockIoField = 'BlkioWeight' | 'BlkioWeightDevice' | 'BlkioDeviceReadBps' | 'BlkioDeviceWriteBps' | 'BlkioDeviceReadIOps' | 'BlkioDeviceWriteIOps'

const gone = 'or the cgroup is not mounted.'
const throttle = (operation: string) => (): boolean => hasBlockIoFile({ v1: `blkio.throttle.${operation}_device`, v2: 'io.max' })

/** Limits that some kernels cannot hold, and how Docker says so. */
const limits: readonly { field: BlockIoField; present: () => boolean; warning: string }[] = [
  { field: 'BlkioWeight', present: hasBlockIoWeight, warning: `Your kernel does not support Block I/O weight ${gone} Weight discarded.` },
  { field: 'BlkioWeightDevice', present: () => hasBlockIoFile({ v1: 'blkio.bfq.weight_device', v2: 'io.bfq.weight' }), warning: `Your kernel does not support Block I/O weight_device ${gone} Weight-device discarded.` },
  { field: 'BlkioDeviceReadBps', present: throttle('read_bps'), warning: `Your kernel does not support BPS Block I/O read limit ${gone} Block I/O BPS read limit discarded.` },
  { field: 'BlkioDeviceWriteBps', present: throttle('write_bps'), warning: `Your kernel does not support BPS Block I/O write limit ${gone} Block I/O BPS write limit discarded.` },
  { field: 'BlkioDeviceReadIOps', present: throttle('read_iops'), warning: `Your kernel does not support IOPS Block read limit ${gone} Block I/O IOPS read limit discarded.` },
  { field: 'BlkioDeviceWriteIOps', present: throttle('write_iops'), warning: `Your kernel does not support IOPS Block write limit ${gone} Block I/O IOPS write limit discarded.` },
]

/** Docker goes on without limits that the kernel cannot hold, and says which. */
export function discardMissing(asked: HostConfig): { kept: HostConfig; warnings: string[] } {
  const missing = limits.filter(({ field, present }) => isAsked(asked[field]) && !present())
  if (missing.length === 0) return { kept: asked, warnings: [] }
  const kept = { ...asked }
  for (const { field } of missing) delete kept[field]
  return { kept, warnings: missing.map(({ warning }) => warning) }
}

function isAsked(value: HostConfig[BlockIoField]): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value)
}
