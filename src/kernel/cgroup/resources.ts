import type { OciResources } from '../../runc/spec.ts'
import type { CgroupLayout } from './layout.ts'
import { resourcesV1 } from './resources-v1.ts'
import { resourcesV2 } from './resources-v2.ts'
import { WriteList, type CgroupWrite } from './writes.ts'

/** What a cgroup holds before the writes; for a new one nothing is known and nothing matters. */
export interface CurrentLimits {
  /** Bytes of memory plus swap (v1 `memory.memsw.limit_in_bytes`). */
  memoryAndSwap?: number
}

/**
 * The writes that bring a cgroup to `resources` (OCI runtime spec, config-linux.md, "Control groups"), in an order that
 * the kernel accepts. Zero and absent mean "leave alone", -1 means unlimited. The device list is not here: see devices.ts.
 * @throws GantryError InvalidParameter for a limit on a controller that the host lacks
 */
export function resourceWrites(layout: CgroupLayout, resources: OciResources, current: CurrentLimits = {}): CgroupWrite[] {
  const list = new WriteList(layout)
  if (layout.mode === 'v2') resourcesV2(list, resources)
  else resourcesV1(list, resources, current)
  return list.writes
}
