import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { accessibleLayout } from '../kernel/cgroup/accessible.ts'
import { detectLayout, type CgroupLayout } from '../kernel/cgroup/layout.ts'
import { endManaged, prepareOwn, prepareUnit, type ManagedCgroup, type PreparedCgroup } from '../kernel/cgroup/managed.ts'
import { listProcesses } from '../kernel/cgroup/processes.ts'
import { withSystemd } from '../kernel/cgroup/systemd.ts'
import { systemdUnitOf } from '../kernel/cgroup/systemd-unit.ts'
import { isRootless } from '../kernel/host-user.ts'
import { hasLauncher } from '../kernel/launcher.ts'
import { GantryError } from '../lib/errors.ts'
import { cgroupOf, ownCgroup } from './cgroup-path.ts'
import { startTimeOf, type ContainerRecord } from './container-store.ts'
import type { OciSpec } from './spec.ts'

/** What a container's record tells of its cgroup. */
export type RecordedCgroup = Pick<ContainerRecord, 'cgroup' | 'unit'>

export interface PlacedContainer extends PreparedCgroup {
  /** The trees that it is in. */
  layout: CgroupLayout
  recorded: RecordedCgroup
}

/** Decides where a container's cgroup is, and makes what its program does not. */
export async function placeContainer(spec: OciSpec, id: string, systemd: boolean): Promise<PlacedContainer> {
  const host = hostLayout()
  const resources = spec.linux?.resources ?? {}
  if (systemd) {
    const unit = systemdUnitOf(spec.linux?.cgroupsPath, id, isRootless() ? { slice: 'user.slice' } : {})
    await comeCloser()
    const prepared = await prepareUnit(host, unit, { id, resources, annotations: spec.annotations })
    return { ...prepared, layout: accessibleLayout(host, prepared.path), recorded: { cgroup: prepared.path, unit } }
  }
  const path = cgroupOf(spec, id)
  const layout = accessibleLayout(host, path)
  if (layout.hierarchies.length > 0) await comeCloser(path)
  requireEmpty(layout, path)
  const recorded = { cgroup: layout.hierarchies.length === 0 ? '' : path }
  return { ...prepareOwn(layout, path, resources), layout, recorded }
}

/** What is in a container's cgroup ends with it. @throws GantryError Conflict */
function requireEmpty(layout: CgroupLayout, path: string): void {
  if (layout.hierarchies.length === 0) return
  const { length } = listProcesses(layout, path)
  if (length > 0) throw new GantryError('Conflict', `cannot use linux.cgroupsPath ${JSON.stringify(path)}: the container's cgroup is not empty: ${length} process(es) found; name one of its own`)
}

let found: CgroupLayout | undefined

/** The host's trees stay where they are for as long as a command runs. */
function hostLayout(): CgroupLayout {
  return (found ??= detectLayout())
}

/** Where the container is; no tree for one that is where its maker was. */
export function layoutOf({ cgroup }: RecordedCgroup): CgroupLayout {
  const host = hostLayout()
  return cgroup === '' ? { ...host, hierarchies: [] } : accessibleLayout(host, cgroup)
}

/** For what only a cgroup makes possible. @throws GantryError Unavailable when there is none */
export function requireCgroup({ cgroup, unit }: RecordedCgroup, act: string): { layout: CgroupLayout; managed: ManagedCgroup } {
  if (cgroup === '') throw new GantryError('Unavailable', `cannot ${act}: the container has no cgroup of its own, as its maker had no right to make one`)
  return { layout: layoutOf({ cgroup }), managed: { path: cgroup, ...(unit && { unit }) } }
}

/** Host pids of the container; without a cgroup that of its first process. */
export function pidsOf({ cgroup, init_process_pid: pid, init_process_start: start }: Pick<ContainerRecord, 'cgroup' | 'init_process_pid' | 'init_process_start'>): number[] {
  if (cgroup !== '') return listProcesses(layoutOf({ cgroup }), cgroup)
  return startTimeOf(pid) === start ? [pid] : []
}

/** Takes a container's cgroup away with all that is in it. */
export async function endCgroup(recorded: RecordedCgroup): Promise<void> {
  if (recorded.cgroup === '') return
  const { layout, managed } = requireCgroup(recorded, 'end')
  await endManaged(layout, managed)
}

/**
 * Before an ordinary user puts a process into a cgroup below his systemd: from outside, a session for example, he may not. So whoever
 * makes the process first has itself taken into a scope there (cgroup-v2.rst, "Delegation Containment").
 * @param cgroup one that is there, where systemd need not be: the program then fails, and says at what
 */
export async function comeCloser(cgroup?: string): Promise<void> {
  if (!isRootless() || cgroup === '') return
  const own = ownCgroup()
  if (cgroup !== undefined && mayMove(own, cgroup)) return
  const work = withSystemd(async (manager) => {
    const isBelow = (path: string): boolean => path === manager.controlGroup || path.startsWith(`${manager.controlGroup}/`)
    if (isBelow(own) || (cgroup !== undefined && !isBelow(cgroup))) return
    await manager.adopt(`gantry-runc-${process.pid}.scope`, hasLauncher() ? process.ppid : process.pid)
  })
  await (cgroup === undefined ? work : work.catch(() => {}))
}

/** Whoever moves a process needs the right to write to the procs of what both cgroups lie in. */
function mayMove(from: string, to: string): boolean {
  const hierarchy = hostLayout().hierarchies.find(({ version }) => version === 2)
  if (hierarchy === undefined) return true
  const names = from.split('/')
  const differing = to.split('/').findIndex((name, index) => name !== names[index])
  const common = (differing < 0 ? to.split('/') : names.slice(0, differing)).join('/')
  try {
    accessSync(join(hierarchy.mountpoint, common, 'cgroup.procs'), constants.W_OK)
    return true
  } catch {
    return false
  }
}
