import { GantryError } from '../../../lib/errors.ts'
import type { CgroupDriver } from '../input.ts'

/** Of a container or of the daemon: for systemd it is a slice. @throws InvalidParameter with Docker's text */
export function checkCgroupParent(parent: string | undefined, driver: CgroupDriver | undefined): void {
  if (driver !== 'systemd' || !parent) return
  if (parent.length <= '.slice'.length || !parent.endsWith('.slice')) throw new GantryError('InvalidParameter', 'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"')
}
