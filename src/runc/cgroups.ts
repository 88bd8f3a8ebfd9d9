import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH, O_WRONLY } from '../kernel/constants/files.ts'
import { deviceRules, deviceWritesV1, type ExactRule } from '../kernel/cgroup/devices.ts'
import { fieldOfFile } from '../kernel/cgroup/fields.ts'
import { cgroupDirectory, checkedPath, type CgroupLayout } from '../kernel/cgroup/layout.ts'
import { resourceWrites } from '../kernel/cgroup/resources.ts'
import type { CgroupWrite } from '../kernel/cgroup/writes.ts'
import type { CallOptions, Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { attachDeviceFilter } from './device-filter.ts'
import { writeText } from './paths.ts'
import type { OciResources } from './spec.ts'

/** A container's cgroup: where, and what it is limited to. `prepareParents` must have made what lies above it. */
export interface CgroupPlan {
  layout: CgroupLayout
  /** "/docker/<id>", the same in every tree. */
  path: string
  writes: CgroupWrite[]
  /** Rules for the v2 device filter; on v1 they are among the writes. */
  devices: ExactRule[]
}

/** A cgroup, opened: in a v1 tree `tasks` for writing, in a v2 tree the directory. */
export interface OpenCgroup {
  name: string
  version: 1 | 2
  file: Cell
}

const ENOENT = 2
const EBADF = 9
const EEXIST = 17

/**
 * @param filters whether the maker may load a device filter: an ordinary user may not, and can make no device either
 * @throws GantryError InvalidParameter for a limit that the host cannot hold
 */
export function planCgroups(layout: CgroupLayout, path: string, resources: OciResources = {}, filters = true): CgroupPlan {
  const rules = deviceRules(resources.devices)
  const v2 = layout.mode === 'v2'
  const writes = [...resourceWrites(layout, resources), ...(v2 ? [] : deviceWritesV1(layout, rules))]
  return { layout, path: checkedPath(path), writes, devices: v2 && filters ? rules : [] }
}

/** Makes the cgroup in every tree and sets its limits. */
export function createCgroups(builder: ProgramBuilder, plan: CgroupPlan): void {
  for (const hierarchy of plan.layout.hierarchies) {
    const directory = cgroupDirectory(hierarchy, plan.path)
    builder.call(`make cgroup ${directory}`, 'mkdirat', [AT_FDCWD, builder.string(directory), 0o755], { ignore: [EEXIST] })
  }
  const file = builder.cell('cgroup file')
  for (const run of runsOfFile(plan.writes)) writeRun(builder, plan.path, run, file)
  if (plan.devices.length > 0 && plan.layout.hierarchies.length > 0) attachDeviceFilter(builder, cgroupDirectory(plan.layout.hierarchies[0]!, plan.path), plan.devices)
}

/** Writes of one file, or of the one that stands in for it. */
function writeRun(builder: ProgramBuilder, path: string, run: readonly CgroupWrite[], file: Cell): void {
  const { hierarchy, file: name, optional, otherwise } = run[0]!
  const open = (opened: string, options: Omit<CallOptions, 'save'>): void => {
    const place = builder.string(`${cgroupDirectory(hierarchy, path)}/${opened}`)
    builder.call(`open ${opened} for ${fieldOfFile(opened)}`, 'openat', [AT_FDCWD, place, O_WRONLY | O_CLOEXEC, 0], { save: file, ...options })
  }
  const write = (written: string, value: string, ignore: readonly number[]): void => {
    writeText(builder, `set ${fieldOfFile(written)} (${written}) to ${value}`, file, value, { ignore })
  }
  const [there, done] = [builder.label(), builder.label()]
  open(name, otherwise !== undefined ? { ignore: [ENOENT], onSuccess: there } : optional === true ? { ignore: [ENOENT] } : {})
  if (otherwise !== undefined) {
    open(otherwise.file, {})
    for (const each of run) write(otherwise.file, each.otherwise?.value ?? each.value, [])
    builder.call(`close ${otherwise.file}`, 'close', [file])
    builder.jump('go on with the next limit', done)
  }
  builder.place(there)
  const ignore = optional === true ? [EBADF] : []
  for (const { value } of run) write(name, value, ignore)
  builder.call(`close ${name}`, 'close', [file], { ignore })
  builder.place(done)
}

/** Whether a process is born into the cgroup of a v2 tree (clone3 with CLONE_INTO_CGROUP). */
export function hasUnified(layout: CgroupLayout): boolean {
  return layout.hierarchies.some(({ version }) => version === 2)
}

/** Opens what a process enters by, before it has lost the rights or the view to do so. `unified` receives the v2 directory. */
export function openCgroups(builder: ProgramBuilder, plan: Pick<CgroupPlan, 'layout' | 'path'>, unified: Cell): OpenCgroup[] {
  const opened: OpenCgroup[] = []
  for (const hierarchy of plan.layout.hierarchies) {
    const v2 = hierarchy.version === 2
    const directory = cgroupDirectory(hierarchy, plan.path)
    const [path, flags] = v2 ? [directory, O_PATH | O_DIRECTORY] : [`${directory}/tasks`, O_WRONLY]
    const file = v2 ? unified : builder.cell(`cgroup ${hierarchy.name}`)
    builder.call(`open cgroup ${directory}`, 'openat', [AT_FDCWD, builder.string(path), flags | O_CLOEXEC, 0], { save: file })
    opened.push({ name: hierarchy.name, version: hierarchy.version, file })
  }
  return opened
}

/**
 * A single thread that writes itself into `tasks` skips the lock of the whole machine that `cgroup.procs` takes.
 * Nothing of the host stays open: with a directory of it, names in the container could lead out (CVE-2024-21626).
 */
export function joinCgroups(builder: ProgramBuilder, opened: readonly OpenCgroup[]): void {
  for (const { name, version, file } of opened) {
    if (version === 1) writeText(builder, `join the ${name} cgroup`, file, '0')
    builder.call(`close the ${name || 'v2'} cgroup`, 'close', [file])
  }
}

function runsOfFile(writes: readonly CgroupWrite[]): CgroupWrite[][] {
  const runs: CgroupWrite[][] = []
  for (const write of writes) {
    const last = runs.at(-1)
    if (last !== undefined && last[0]!.file === write.file && last[0]!.hierarchy === write.hierarchy) last.push(write)
    else runs.push([write])
  }
  return runs
}
