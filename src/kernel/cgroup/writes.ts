import { GantryError } from '../../lib/errors.ts'
import { fieldOfFile } from './fields.ts'
import type { CgroupHierarchy, CgroupLayout } from './layout.ts'
import { hierarchyOf } from './layout.ts'

/** One value for one file of a cgroup; what a limit comes down to. */
export interface CgroupWrite {
  hierarchy: CgroupHierarchy
  /** Name of the file inside the cgroup's directory. */
  file: string
  value: string
  /** The container's cgroup works without it: a kernel without the file is no error. */
  optional?: boolean
  /** What to write where the kernel has not that file. */
  otherwise?: { file: string; value: string }
}

/** Collects writes for one layout and refuses a limit that no mounted controller can hold. */
export class WriteList {
  readonly layout: CgroupLayout
  readonly writes: CgroupWrite[] = []

  constructor(layout: CgroupLayout) {
    this.layout = layout
  }

  /** @throws GantryError InvalidParameter when the controller is not there */
  add(controller: string, file: string, value: number | bigint | string, options: Pick<CgroupWrite, 'optional' | 'otherwise'> = {}): void {
    const hierarchy = this.#find(controller)
    if (hierarchy === undefined) {
      if (options.optional === true) return
      throw new GantryError('InvalidParameter', `cannot set ${fieldOfFile(file)}: this host has no ${controller} cgroup controller`)
    }
    this.writes.push({ hierarchy, file, value: String(value), ...(options.optional === true ? { optional: true } : {}), ...(options.otherwise === undefined ? {} : { otherwise: options.otherwise }) })
  }

  #find(controller: string): CgroupHierarchy | undefined {
    return controller === 'cgroup'
      ? this.layout.hierarchies.find((hierarchy) => hierarchy.version === 2)
      : hierarchyOf(this.layout, controller)
  }
}
