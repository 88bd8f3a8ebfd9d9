import type { OciResources } from '../../runc/spec.ts'
import type { CgroupLayout } from './layout.ts'
import { mergeResources } from './merge-resources.ts'
import { prepareParents } from './parents.ts'
import { killAll } from './processes.ts'
import { removeCgroup } from './remove.ts'
import { annotatedProperties } from './systemd-annotations.ts'
import { limitProperties, tasksMax } from './systemd-properties.ts'
import { withSystemd } from './systemd.ts'
import type { SystemdUnit } from './systemd-unit.ts'
import { updateResources } from './update.ts'
import { writeCgroupValues } from './values.ts'

/** A container's cgroup, and who keeps it: whoever writes its files, or systemd, which has to be told as well. */
export interface ManagedCgroup {
  /** The same in every tree. */
  path: string
  /** undefined: nobody but us (the "cgroupfs" driver). */
  unit?: SystemdUnit
}

/** A cgroup that a container's program can go on with. */
export interface PreparedCgroup {
  path: string
  /** What the program has to set, in place of what was asked for. */
  resources: OciResources
  /** To be called when the container's process is in it, or will never be. */
  readonly settle: () => Promise<void>
}

/** Makes what lies above a cgroup, so that the program needs one mkdir. */
export function prepareOwn(layout: CgroupLayout, path: string, resources: OciResources = {}): PreparedCgroup {
  prepareParents(layout, path)
  return { path, resources, settle: async () => {} }
}

export interface UnitOptions {
  id: string
  resources?: OciResources
  /** Of the container; some are properties of its unit. */
  annotations?: Readonly<Record<string, string>>
}

/** Has systemd make the cgroup as a scope that has the limits. @throws GantryError InvalidParameter, Unavailable, System */
export async function prepareUnit(layout: CgroupLayout, unit: SystemdUnit, { id, resources = {}, annotations }: UnitOptions): Promise<PreparedCgroup> {
  const others = annotatedProperties(annotations)
  // Room for the process that holds the scope until the container's own is there.
  const limit = resources.pids?.limit ?? 0
  const roomy = limit > 0 ? { ...resources, pids: { limit: limit + 1 } } : resources
  return withSystemd(async (manager) => {
    const path = `${manager.controlGroup}${unit.path}`
    const scope = await manager.startScope(unit, `Container ${id}`, { limits: limitProperties(layout, roomy, manager.version), others })
    // systemd makes it where it has a controller to set; its parents on v2 are its own business.
    if (layout.mode !== 'v2') prepareParents(layout, path)
    const settle = async (): Promise<void> => {
      await scope.release()
      if (limit <= 0) return
      await withSystemd((again) => again.setLimits(unit, [tasksMax(limit)]))
      updateResources(layout, path, resources)
    }
    return { path, resources: roomy, settle }
  })
}

/**
 * Changes limits of a container that has processes; none when one is refused.
 * @param current what held until now, with which the change makes sense
 */
export async function updateManaged(layout: CgroupLayout, { path, unit }: ManagedCgroup, current: OciResources, change: OciResources): Promise<void> {
  if (unit === undefined) return updateResources(layout, path, change)
  const touched = (resources: OciResources): OciResources => ({
    ...(change.memory && { memory: resources.memory ?? {} }),
    ...(change.cpu && { cpu: resources.cpu ?? {} }),
    ...(change.pids && { pids: resources.pids ?? { limit: -1 } }),
    ...(change.blockIO && { blockIO: resources.blockIO ?? {} }),
    ...(change.unified && { unified: resources.unified ?? {} }),
  })
  await withSystemd(async (manager) => {
    const merged = mergeResources(current, change)
    const set = (resources: OciResources): Promise<void> => manager.setLimits(unit, limitProperties(layout, touched(resources), manager.version))
    await set(merged)
    try {
      // It sets every property again whenever one changes, so all that is finer than its properties is written after it.
      updateResources(layout, path, merged)
    } catch (error) {
      await set(current).catch(() => {}) // the refusal itself is the error to show
      throw error
    }
  })
}

/**
 * Writes files of a container's cgroup (writeCgroupValues), and has systemd remember those for which it has a property: at its next reload
 * it would set them back. @throws GantryError as writeCgroupValues
 */
export async function writeManaged(layout: CgroupLayout, { path, unit }: ManagedCgroup, values: Readonly<Record<string, string>>): Promise<void> {
  // The kernel's word first: what it refuses is not worth remembering.
  writeCgroupValues(layout, path, values)
  if (unit === undefined) return
  await withSystemd(async (manager) => {
    const known = limitProperties(layout, { unified: values }, manager.version)
    if (known.length === 0) return
    await manager.setLimits(unit, known)
    // Again: its properties are coarser than the files.
    writeCgroupValues(layout, path, values)
  })
}

/** Kills what is left in a cgroup, has its unit stopped and takes it away. Idempotent. */
export async function endManaged(layout: CgroupLayout, { path, unit }: ManagedCgroup): Promise<void> {
  await killAll(layout, path)
  if (unit !== undefined) await withSystemd((manager) => manager.stop(unit))
  await removeCgroup(layout, path)
}
